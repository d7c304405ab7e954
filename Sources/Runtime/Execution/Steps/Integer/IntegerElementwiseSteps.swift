// SPDX-License-Identifier: MIT

import Kernels

/// A side of a function of two values of bytes.
struct IntegerSide: Sendable {
    let slot: Slot
    let zero: Int32
    let multiplier: Float

    func operand(_ run: StepRun, from place: Int = 0) -> Int8Operand {
        Int8Operand(run.readBytes(slot) + place, zero: zero, multiplier: multiplier)
    }
}

/// activation(a + b) of bytes.
struct IntegerAddStep: Step {
    let output: Slot
    let left: IntegerSide
    let right: IntegerSide
    let range: Int8Range
    let count: Int

    func run(_ run: StepRun) {
        let share = run.share(of: count, granule: 64)
        guard !share.isEmpty else { return }
        run.kernels.int8.add(
            run.writeBytes(output) + share.lowerBound, left.operand(run, from: share.lowerBound),
            right.operand(run, from: share.lowerBound), range, share.count)
    }
}

/// a * b of bytes; b has a value for each column, or for each value where there is one row.
struct IntegerMultiplyStep: Step {
    let output: Slot
    let left: IntegerSide
    let right: IntegerSide
    let range: Int8Range
    let rows: Int
    let columns: Int

    func run(_ run: StepRun) {
        if rows == 1 {
            let share = run.share(of: columns, granule: 64)
            let first = share.lowerBound
            run.kernels.int8.scale(
                run.writeBytes(output) + first, left.operand(run, from: first), right.operand(run, from: first), range,
                1,
                share.count)
        } else {
            let share = run.share(of: rows)
            let first = share.lowerBound * columns
            run.kernels.int8.scale(
                run.writeBytes(output) + first, left.operand(run, from: first), right.operand(run), range, share.count,
                columns)
        }
    }
}

/// Each byte replaced by another.
struct IntegerLookUpStep: Step {
    let output: Slot
    let input: Slot
    /// Where the table stands in the prepared weights.
    let table: Int
    let count: Int

    func run(_ run: StepRun) {
        let share = run.share(of: count, granule: 64)
        let table = UnsafeRawPointer(run.weights(table)).assumingMemoryBound(to: UInt8.self)
        run.kernels.int8.lookUp(
            run.writeBytes(output) + share.lowerBound, run.readBytes(input) + share.lowerBound, table, share.count)
    }
}

/// Floats to bytes.
struct QuantizeStep: Step {
    let output: Slot
    let input: Source
    let scale: Float
    let range: Int8Range
    let count: Int

    func run(_ run: StepRun) {
        let share = run.share(of: count, granule: 64)
        run.kernels.int8.quantize(
            run.writeBytes(output) + share.lowerBound, run.read(input) + share.lowerBound, scale, range, share.count)
    }
}

/// Bytes to Floats.
struct DequantizeStep: Step {
    let output: Slot
    let input: Slot
    let scale: Float
    let zero: Int32
    let count: Int

    func run(_ run: StepRun) {
        let share = run.share(of: count, granule: 64)
        run.kernels.int8.dequantize(
            run.write(output) + share.lowerBound, run.readBytes(input) + share.lowerBound, scale, zero, share.count)
    }
}

/// The largest byte of each window.
struct IntegerMaxPoolStep: Step {
    let output: Slot
    let input: Slot
    let geometry: WindowGeometry

    func run(_ run: StepRun) {
        run.kernels.int8.maxPool(
            run.writeBytes(output), run.readBytes(input), geometry, run.share(of: geometry.outputHeight))
    }
}

/// The mean of each window of bytes.
struct IntegerAveragePoolStep: Step {
    let output: Slot
    let input: IntegerSide
    let geometry: WindowGeometry
    let countIncludePad: Bool
    let range: Int8Range

    func run(_ run: StepRun) {
        run.kernels.int8.averagePool(
            run.writeBytes(output), input.operand(run), geometry, countIncludePad, range,
            run.share(of: geometry.outputHeight))
    }
}
