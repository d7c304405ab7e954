// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// How sums become outputs, for all kernels that multiply: the bias is what the sums begin with; the residual is added and ReLU applied
// in registers, other activations to what then lies in L1.

extension Epilogue {
    /// The epilogue of the columns from one on; the residual begins so many values further.
    @inline(__always)
    func advanced(columns: Int, residual places: Int) -> Epilogue {
        Epilogue(bias: bias.map { $0 + columns }, residual: residual.map { $0 + places }, activation: activation)
    }

    /// The same rows further down.
    @inline(__always)
    func advanced(residual places: Int) -> Epilogue {
        Epilogue(bias: bias, residual: residual.map { $0 + places }, activation: activation)
    }

    /// What the sums of a vector of `count` columns begin with.
    @inline(__always)
    func start(_ count: Int) -> Lanes { bias.map { loadAny($0, count) } ?? all(0) }

    /// Whether something is left to do to what was written.
    @inline(__always)
    var activatesMemory: Bool { activation != .none && activation != .relu }

    /// Writes the sums of some rows and vectors of columns.
    ///
    /// - Parameter columns: Those that there are; the others are neither read nor written.
    @inline(__always)
    func write<let rows: Int, let vectors: Int>(
        _ sums: InlineArray<vectors, InlineArray<rows, Lanes>>, to output: Output, stride: Int, residualStride: Int,
        columns: Int
    ) {
        guard activation != .relu else {
            return write(sums, to: output, stride, residualStride, columns, ReLU.self)
        }
        write(sums, to: output, stride, residualStride, columns, Identity.self)
        if activation != .none {
            activateRows(output, stride, Input(output), stride, activation, rows: rows, columns: columns)
        }
    }

    @inline(__always)
    private func write<let rows: Int, let vectors: Int, Function: LaneFunction>(
        _ sums: InlineArray<vectors, InlineArray<rows, Lanes>>, to output: Output, _ stride: Int,
        _ residualStride: Int, _ columns: Int, _: Function.Type
    ) {
        for vector in 0..<vectors {
            let column = vector * laneCount
            let count = min(laneCount, columns - column)
            for row in 0..<rows {
                let target = output + row * stride + column
                let place = row * residualStride + column
                // One question for each vector, in the place of one for the residual and one for the output.
                if count == laneCount {
                    write(sums[vector][row], to: target, residual: place, laneCount, Function.self)
                } else {
                    write(sums[vector][row], to: target, residual: place, count, Function.self)
                }
            }
        }
    }

    /// Writes one vector of sums, but for what `activateMemory` does.
    @inline(__always)
    func write<Function: LaneFunction>(
        _ sum: Lanes, to output: Output, residual place: Int, _ count: Int, _: Function.Type
    ) {
        var value = sum
        if let residual { value = value + loadAny(residual + place, count) }
        storeAny(Function.apply(value), output, count)
    }
}

#endif
