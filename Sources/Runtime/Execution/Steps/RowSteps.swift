// SPDX-License-Identifier: MIT

import Kernels

/// A function of two values that are broadcast together.
struct CombineStep: Step {
    let output: Slot
    let left: Source
    let right: Source
    let function: BinaryFunction
    let activation: Activation
    let broadcast: Broadcast

    /// The output's axes, outermost first, and how far both sides move along them: 0 where they are broadcast. Neighbours are
    /// merged; along the last axis both strides are 0 or 1.
    struct Broadcast: Sendable, Equatable {
        private(set) var dimensions: [Int] = []
        private(set) var left: [Int] = []
        private(set) var right: [Int] = []

        /// Merges what it can.
        ///
        /// - Returns: nil if a side's strides along the last axis are neither 0 nor 1.
        init?(dimensions: [Int], left: [Int], right: [Int]) {
            for axis in dimensions.indices where dimensions[axis] != 1 {
                let size = dimensions[axis]
                if let last = self.dimensions.indices.last, self.left[last] == left[axis] * size,
                    self.right[last] == right[axis] * size
                {
                    self.dimensions[last] *= size
                    self.left[last] = left[axis]
                    self.right[last] = right[axis]
                } else {
                    self.dimensions.append(size)
                    self.left.append(left[axis])
                    self.right.append(right[axis])
                }
            }
            if self.dimensions.isEmpty { (self.dimensions, self.left, self.right) = ([1], [0], [0]) }
            guard let a = self.left.last, let b = self.right.last, (0...1).contains(a), (0...1).contains(b) else {
                return nil
            }
        }

        var runLength: Int { dimensions[dimensions.count - 1] }
        /// Runs along the last axis.
        var runs: Int { dimensions.dropLast().reduce(1, *) }

        /// Where both sides stand at a run's beginning.
        func places(ofRun run: Int) -> (left: Int, right: Int) {
            var (rest, a, b) = (run, 0, 0)
            for axis in (0..<dimensions.count - 1).reversed() {
                let (quotient, index) = rest.quotientAndRemainder(dividingBy: dimensions[axis])
                a += index * left[axis]
                b += index * right[axis]
                rest = quotient
            }
            return (a, b)
        }
    }

    func run(_ run: StepRun) {
        let (target, a, b) = (run.write(output), run.read(left), run.read(right))
        let length = broadcast.runLength
        if broadcast.runs == 1 {
            let (aStep, bStep) = (broadcast.left[0], broadcast.right[0])
            let share = run.share(of: length, granule: 16)
            let first = share.lowerBound
            run.kernels.elementwise.combine(
                target + first, RunOperand(a + first * aStep, step: aStep), RunOperand(b + first * bStep, step: bStep),
                function, share.count)
            if activation != .none {
                run.kernels.elementwise.activate(target + first, Input(target + first), activation, share.count)
            }
            return
        }
        let last = broadcast.dimensions.count - 1
        for row in run.share(of: broadcast.runs) {
            let places = broadcast.places(ofRun: row)
            let part = target + row * length
            run.kernels.elementwise.combine(
                part, RunOperand(a + places.left, step: broadcast.left[last]),
                RunOperand(b + places.right, step: broadcast.right[last]), function, length)
            if activation != .none { run.kernels.elementwise.activate(part, Input(part), activation, length) }
        }
    }
}

/// Each value between two bounds; below zero times a slope.
struct ClampStep: Step {
    let output: Slot
    let input: Slot
    var low = -Float.infinity
    var high = Float.infinity
    var slope: Float = 1

    func run(_ run: StepRun) {
        let share = run.share(of: input.count * run.rows, granule: 16)
        run.kernels.elementwise.clamp(
            run.write(output) + share.lowerBound, run.read(input) + share.lowerBound, low, high, slope, share.count)
    }
}

/// A function of each value by its formula in Double.
struct FunctionStep: Step {
    let output: Slot
    let input: Slot
    let function: @Sendable (Double) -> Double

    func run(_ run: StepRun) {
        let share = run.share(of: input.count * run.rows, granule: 16)
        let (target, source) = (run.write(output), run.read(input))
        for index in share { target[index] = Float(function(Double(source[index]))) }
    }
}

/// Rows brought to mean 0 and variance 1, then scaled and shifted.
struct LayerNormalizationStep: Step {
    let output: Slot
    let input: Slot
    /// Offsets in the prepared weights.
    let scale: Int?
    let shift: Int?
    let epsilon: Float
    let columns: Int

    func run(_ run: StepRun) {
        let rows = run.share(of: input.count / columns * run.rows)
        guard !rows.isEmpty else { return }
        let first = rows.lowerBound * columns
        run.kernels.reduce.normalize(
            run.write(output) + first, run.read(input) + first, scale.map { run.weights($0) },
            shift.map { run.weights($0) }, epsilon, rows.count, columns)
    }
}

/// A value [outer, reduced, inner] made into [outer, inner].
struct ReduceStep: Step {
    let output: Slot
    let input: Slot
    let outer: Int
    let reduced: Int
    let inner: Int
    let reduction: RowReduction
    /// What sums are multiplied by.
    var factor: Float = 1
    /// Whether the root of the result is taken.
    var takesRoot = false

    /// The squares of one row of columns.
    var scratchByteCount: Int { inner > 1 && reduction == .sumOfSquares ? inner * 4 : 0 }

    func run(_ run: StepRun) {
        let share = run.share(of: outer)
        guard !share.isEmpty else { return }
        let target = run.write(output) + share.lowerBound * inner
        let source = run.read(input) + share.lowerBound * reduced * inner
        let count = share.count * inner
        if inner == 1 {
            run.kernels.reduce.rows(target, source, reduction, share.count, reduced)
            if factor != 1 {
                withUnsafePointer(to: factor) {
                    run.kernels.elementwise.combine(
                        target, RunOperand(Input(target)), RunOperand($0, step: 0), .multiply, count)
                }
            }
        } else {
            for index in 0..<share.count {
                reduceColumns(run, target + index * inner, source + index * reduced * inner)
            }
        }
        if takesRoot { for index in 0..<count { target[index] = target[index].squareRoot() } }
    }

    /// - Precondition: The reduction is no sum of magnitudes.
    private func reduceColumns(_ run: StepRun, _ target: Output, _ source: Input) {
        let combine = run.kernels.elementwise.combine
        switch reduction {
        case .sum: run.kernels.reduce.sumRows(target, source, factor, reduced, inner)
        case .sumOfSquares:
            let squares = run.scratch
            for row in 0..<reduced {
                let values = RunOperand(source + row * inner)
                if row == 0 {
                    combine(target, values, values, .multiply, inner)
                } else {
                    combine(squares, values, values, .multiply, inner)
                    combine(target, RunOperand(Input(target)), RunOperand(Input(squares)), .add, inner)
                }
            }
        case .maximum, .minimum:
            target.update(from: source, count: inner)
            for row in 1..<max(1, reduced) {
                combine(
                    target, RunOperand(Input(target)), RunOperand(source + row * inner),
                    reduction == .maximum ? .maximum : .minimum, inner)
            }
        case .sumOfMagnitudes: preconditionFailure("magnitudes are added up along rows only")
        }
    }
}
