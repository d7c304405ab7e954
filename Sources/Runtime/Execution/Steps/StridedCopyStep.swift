// SPDX-License-Identifier: MIT

import Kernels

/// Numbers in another order: output element (i, j, ...) in sequence is input element i * strides[0] + j * strides[1] + ....
struct StridedCopy: Sendable, Equatable {
    /// Sizes and strides in the input, outermost first, neighbours merged where they can be.
    private(set) var dimensions: [Int]
    private(set) var strides: [Int]

    init(dimensions: [Int], strides: [Int]) {
        self.dimensions = []
        self.strides = []
        for (size, stride) in zip(dimensions, strides) where size != 1 {
            if let last = self.strides.last, last == stride * size {
                self.dimensions[self.dimensions.count - 1] *= size
                self.strides[self.strides.count - 1] = stride
            } else {
                self.dimensions.append(size)
                self.strides.append(stride)
            }
        }
    }

    /// Whether it is the transposition of a dense matrix.
    var isTransposition: Bool {
        dimensions.count == 2 && strides[0] == 1 && strides[1] == dimensions[0]
    }

    var count: Int { dimensions.reduce(1, *) }
    /// Elements of one part: of what the outermost axis counts.
    var outerCount: Int { dimensions.first ?? 1 }

    /// Copies some of what the outermost axis counts.
    func run(_ output: Output, _ input: Input, outer: Range<Int>, kernels: KernelTable) {
        guard let outerStride = strides.first else {
            if !outer.isEmpty { output.pointee = input.pointee }
            return
        }
        if isTransposition {
            let (rows, columns) = (dimensions[1], dimensions[0])
            kernels.transpose(
                output + outer.lowerBound * rows, rows, input + outer.lowerBound, columns, rows, outer.count)
            return
        }
        let inner = count / max(1, dimensions[0])
        for index in outer { copy(output + index * inner, input + index * outerStride, axis: 1, kernels) }
    }

    private func copy(_ output: Output, _ input: Input, axis: Int, _ kernels: KernelTable) {
        let left = dimensions.count - axis
        if left == 0 {
            output.pointee = input.pointee
        } else if left == 1 {
            let (size, stride) = (dimensions[axis], strides[axis])
            if stride == 1 {
                output.update(from: input, count: size)
            } else {
                for index in 0..<size { output[index] = input[index * stride] }
            }
        } else if left == 2 && strides[axis] == 1 {
            kernels.transpose(
                output, dimensions[axis + 1], input, strides[axis + 1], dimensions[axis + 1], dimensions[axis])
        } else {
            let inner = dimensions[(axis + 1)...].reduce(1, *)
            for index in 0..<dimensions[axis] {
                copy(output + index * inner, input + index * strides[axis], axis: axis + 1, kernels)
            }
        }
    }
}

/// A value in another order, or some of it.
struct StridedCopyStep: Step {
    let output: Slot
    let input: Source
    /// Where the first element that is copied stands in the input, and where it goes, in Floats.
    var inputOffset = 0
    var outputOffset = 0
    let copy: StridedCopy

    func run(_ run: StepRun) {
        let outer = run.share(of: copy.outerCount, granule: 16)
        copy.run(run.write(output) + outputOffset, run.read(input) + inputOffset, outer: outer, kernels: run.kernels)
    }
}

/// The same numbers at another place.
struct CopyStep: Step {
    let output: Slot
    let input: Source

    func run(_ run: StepRun) {
        let isValue = if case .slot = input { true } else { false }
        if isValue {
            let share = run.share(of: output.count * run.rows, granule: 16)
            (run.write(output) + share.lowerBound).update(from: run.read(input) + share.lowerBound, count: share.count)
        } else if run.part == 0 {
            for row in 0..<run.rows {
                (run.write(output) + row * output.count).update(from: run.read(input), count: output.count)
            }
        }
    }
}
