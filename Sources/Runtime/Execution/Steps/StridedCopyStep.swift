// SPDX-License-Identifier: MIT

import Kernels

/// Numbers brought into another order: element (i, j, ...) goes from input place i * inputStrides[0] + j * inputStrides[1] + ... to
/// output place i * outputStrides[0] + ....
struct StridedCopy: Sendable, Equatable {
    /// Sizes and strides, outermost first, neighbours merged where they can be.
    private(set) var dimensions: [Int] = []
    private(set) var inputStrides: [Int] = []
    private(set) var outputStrides: [Int] = []

    /// Merges what it can.
    init(dimensions: [Int], inputStrides: [Int], outputStrides: [Int]) {
        for axis in dimensions.indices where dimensions[axis] != 1 {
            let (size, input, output) = (dimensions[axis], inputStrides[axis], outputStrides[axis])
            if let last = self.dimensions.indices.last, self.inputStrides[last] == input * size,
                self.outputStrides[last] == output * size
            {
                self.dimensions[last] *= size
                self.inputStrides[last] = input
                self.outputStrides[last] = output
            } else {
                self.dimensions.append(size)
                self.inputStrides.append(input)
                self.outputStrides.append(output)
            }
        }
    }

    /// Whether it is the transposition of a matrix.
    var isTransposition: Bool { dimensions.count == 2 && inputStrides[0] == 1 && outputStrides[1] == 1 }

    /// What can be shared out: what the outermost axis counts.
    var outerCount: Int { dimensions.first ?? 1 }

    /// Copies some of what the outermost axis counts.
    func run(_ output: Output, _ input: Input, outer: Range<Int>, kernels: KernelTable) {
        guard !outer.isEmpty, !dimensions.contains(0) else { return }
        guard !dimensions.isEmpty else {
            output.pointee = input.pointee
            return
        }
        copy(
            output + outer.lowerBound * outputStrides[0], input + outer.lowerBound * inputStrides[0], axis: 0,
            size: outer.count, kernels)
    }

    private func copy(_ output: Output, _ input: Input, axis: Int, size: Int, _ kernels: KernelTable) {
        let (inputStride, outputStride) = (inputStrides[axis], outputStrides[axis])
        let left = dimensions.count - axis
        if left == 1 {
            if inputStride == 1 && outputStride == 1 {
                output.update(from: input, count: size)
            } else {
                for index in 0..<size { output[index * outputStride] = input[index * inputStride] }
            }
        } else if left == 2 && inputStride == 1 && outputStrides[axis + 1] == 1 {
            kernels.move.transpose(
                output, outputStride, input, inputStrides[axis + 1], dimensions[axis + 1], size)
        } else {
            for index in 0..<size {
                copy(
                    output + index * outputStride, input + index * inputStride, axis: axis + 1,
                    size: dimensions[axis + 1], kernels)
            }
        }
    }
}

/// Values, or parts of them, brought together into one.
struct StridedCopyStep: Step {
    struct Part: Sendable {
        let input: Source
        /// Where the first element stands in the input, and where it goes, in Floats.
        let inputOffset: Int
        let outputOffset: Int
        let copy: StridedCopy
    }

    let output: Slot
    let parts: [Part]
    /// What stands where no part goes.
    var fill: Float?

    func run(_ run: StepRun) {
        let target = run.write(output)
        if let fill {
            // Parts overwrite some of it, so one worker does both.
            guard run.part == 0 else { return }
            target.update(repeating: fill, count: output.count)
            for part in parts { copy(part, run, target, 0..<part.copy.outerCount) }
        } else {
            for part in parts { copy(part, run, target, run.share(of: part.copy.outerCount, granule: 16)) }
        }
    }

    private func copy(_ part: Part, _ run: StepRun, _ target: Output, _ outer: Range<Int>) {
        part.copy.run(
            target + part.outputOffset, run.read(part.input) + part.inputOffset, outer: outer, kernels: run.kernels)
    }
}

/// The same numbers at another place.
struct CopyStep: Step {
    let output: Slot
    let input: Source

    func run(_ run: StepRun) {
        if case .slot = input {
            let share = run.share(of: output.count * run.rows, granule: 16)
            (run.write(output) + share.lowerBound).update(from: run.read(input) + share.lowerBound, count: share.count)
        } else if run.part == 0 {
            for row in 0..<run.rows {
                (run.write(output) + row * output.count).update(from: run.read(input), count: output.count)
            }
        }
    }
}
