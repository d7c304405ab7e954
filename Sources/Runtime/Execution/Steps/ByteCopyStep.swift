// SPDX-License-Identifier: MIT

import Kernels

/// As `StridedCopyStep`, for elements of one byte: sizes, strides and offsets count bytes.
struct ByteCopyStep: Step {
    let output: Slot
    let parts: [StridedCopyStep.Part]

    func run(_ run: StepRun) {
        let target = run.writeBytes(output)
        for part in parts {
            let source = UnsafeRawPointer(run.read(part.input)).assumingMemoryBound(to: UInt8.self) + part.inputOffset
            part.copy.run(
                bytes: target + part.outputOffset, source, outer: run.share(of: part.copy.outerCount, granule: 16))
        }
    }
}

extension StridedCopy {
    /// Copies bytes: some of what the outermost axis counts.
    func run(bytes output: UnsafeMutablePointer<UInt8>, _ input: Bytes, outer: Range<Int>) {
        guard !outer.isEmpty, !dimensions.contains(0) else { return }
        guard !dimensions.isEmpty else {
            output.pointee = input.pointee
            return
        }
        copy(
            output + outer.lowerBound * outputStrides[0], input + outer.lowerBound * inputStrides[0], axis: 0,
            size: outer.count)
    }

    private func copy(_ output: UnsafeMutablePointer<UInt8>, _ input: Bytes, axis: Int, size: Int) {
        let (inputStride, outputStride) = (inputStrides[axis], outputStrides[axis])
        if axis + 1 < dimensions.count {
            for index in 0..<size {
                copy(
                    output + index * outputStride, input + index * inputStride, axis: axis + 1,
                    size: dimensions[axis + 1])
            }
        } else if inputStride == 1 && outputStride == 1 {
            output.update(from: input, count: size)
        } else {
            for index in 0..<size { output[index * outputStride] = input[index * inputStride] }
        }
    }
}

extension StepRun {
    /// Where the bytes of a value stand that a step reads.
    @inline(__always)
    func readBytes(_ slot: Slot) -> Bytes { UnsafeRawPointer(read(slot)).assumingMemoryBound(to: UInt8.self) }

    /// Where the bytes of a value stand that a step writes.
    @inline(__always)
    func writeBytes(_ slot: Slot) -> UnsafeMutablePointer<UInt8> {
        UnsafeMutableRawPointer(write(slot)).assumingMemoryBound(to: UInt8.self)
    }
}
