// SPDX-License-Identifier: MIT

import Kernels

/// What an integer product's step does to its sums, and where its numbers stand.
struct IntegerEpilogue: Sendable {
    let output: Slot
    /// Whether the output is Float32.
    let isFloat: Bool
    /// Offsets in the prepared weights: a number for each output, those of each group in whole panels.
    let bias: Int
    let multiplier: Int
    let table: Int?
    let range: Int8Range
    var residual: Slot?
    let residualZero: Int32
    let residualMultiplier: Float

    /// - Parameters:
    ///   - column: Of the packed columns, the first of the call's.
    ///   - place: Where the call's first value stands in the residual.
    ///   - stride: The distance of the residual's rows.
    @inline(__always)
    func at(column: Int, place: Int, stride: Int, _ run: StepRun) -> Requantization {
        let biases = UnsafeRawPointer(run.weights(bias)).assumingMemoryBound(to: Int32.self)
        return Requantization(
            bias: biases + column, multiplier: run.weights(multiplier) + column, low: range.low, high: range.high,
            zero: range.zero, residual: residual.map { run.readBytes($0) + place }, residualStride: stride,
            residualZero: residualZero, residualMultiplier: residualMultiplier,
            table: table.map { UnsafeRawPointer(run.weights($0)).assumingMemoryBound(to: UInt8.self) })
    }

    /// Where the output's value at a place goes.
    @inline(__always)
    func target(_ place: Int, _ run: StepRun) -> Int8Output {
        isFloat ? .floats(run.write(output) + place) : .bytes(run.writeBytes(output) + place)
    }
}

extension StepRun {
    /// Packed integer weights.
    @inline(__always)
    func words(_ offset: Int) -> UnsafePointer<Int32> {
        UnsafeRawPointer(weights(offset)).assumingMemoryBound(to: Int32.self)
    }

    /// Whether workers share out a product's columns: only if sharing out the rows would load them unevenly.
    func splitsColumns(rows: Int, granule: Int, columns: Int, _ columnGranule: Int) -> Bool {
        largestShare(of: columns, columnGranule) * rows < largestShare(of: rows, granule) * columns
    }

    private func largestShare(of units: Int, _ granule: Int) -> Int {
        let pieces = (units + granule - 1) / granule
        return min(units, (pieces + parts - 1) / parts * granule)
    }
}
