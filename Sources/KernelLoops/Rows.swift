// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// Runs of values, and matrices [rows, columns], row after row.

/// A function of two vectors, lane by lane.
private protocol LaneCombination {
    static func apply(_ a: Lanes, _ b: Lanes) -> Lanes
}

private enum Sum: LaneCombination {
    @_transparent static func apply(_ a: Lanes, _ b: Lanes) -> Lanes { a + b }
}
private enum Difference: LaneCombination {
    @_transparent static func apply(_ a: Lanes, _ b: Lanes) -> Lanes { a - b }
}
private enum Product: LaneCombination {
    @_transparent static func apply(_ a: Lanes, _ b: Lanes) -> Lanes { a * b }
}
private enum Quotient: LaneCombination {
    @_transparent static func apply(_ a: Lanes, _ b: Lanes) -> Lanes { a / b }
}
private enum Minimum: LaneCombination {
    // b where it is less, and where it is NaN.
    @_transparent static func apply(_ a: Lanes, _ b: Lanes) -> Lanes {
        a.replacing(with: b, where: (b .< a) .| (b .!= b))
    }
}
private enum Maximum: LaneCombination {
    @_transparent static func apply(_ a: Lanes, _ b: Lanes) -> Lanes {
        a.replacing(with: b, where: (b .> a) .| (b .!= b))
    }
}

func combine(_ output: Output, _ a: RunOperand, _ b: RunOperand, _ function: BinaryFunction, _ count: Int) {
    switch function {
    case .add: combine(Sum.self, output, a, b, count)
    case .subtract: combine(Difference.self, output, a, b, count)
    case .multiply: combine(Product.self, output, a, b, count)
    case .divide: combine(Quotient.self, output, a, b, count)
    case .minimum: combine(Minimum.self, output, a, b, count)
    case .maximum: combine(Maximum.self, output, a, b, count)
    }
}

@inline(__always)
private func combine<Function: LaneCombination>(
    _ function: Function.Type, _ output: Output, _ a: RunOperand, _ b: RunOperand, _ count: Int
) {
    guard count > 0 else { return }
    let (allA, allB) = (all(a.values.pointee), all(b.values.pointee))
    for index in stride(from: 0, to: count, by: laneCount) {
        let lanes = min(laneCount, count - index)
        let left = a.step == 0 ? allA : loadAny(a.values + index, lanes)
        let right = b.step == 0 ? allB : loadAny(b.values + index, lanes)
        storeAny(function.apply(left, right), output + index, lanes)
    }
}

/// Loop order: rows; the mean, the mean of the squares of what is left of it, the result.
func normalizeRows(
    _ output: Output, _ input: Input, _ scale: Input?, _ shift: Input?, _ epsilon: Float, _ rows: Int, _ columns: Int
) {
    for row in 0..<rows {
        let (target, source) = (output + row * columns, input + row * columns)
        let mean = sumOfRow(source, columns) / Float(columns)
        let variance = sumOfSquaresAround(mean, source, columns) / Float(columns)
        let factor = 1 / squareRoot(all(variance + epsilon))[0]
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            var value = (loadAny(source + column, count) - all(mean)) * all(factor)
            if let scale { value = value * loadAny(scale + column, count) }
            if let shift { value = value + loadAny(shift + column, count) }
            storeAny(value, target + column, count)
        }
    }
}

@inline(__always)
private func sumOfRow(_ input: Input, _ count: Int) -> Float {
    var total = all(0)
    for index in stride(from: 0, to: count, by: laneCount) {
        total = total + loadAny(input + index, min(laneCount, count - index))
    }
    return sum(total)
}

@inline(__always)
private func sumOfSquaresAround(_ mean: Float, _ input: Input, _ count: Int) -> Float {
    var total = all(0)
    let whole = count / laneCount * laneCount
    for index in stride(from: 0, to: whole, by: laneCount) {
        let value = load(input + index) - all(mean)
        total = multiplyAdd(total, value, value)
    }
    var result = sum(total)
    for index in whole..<count { result += (input[index] - mean) * (input[index] - mean) }
    return result
}

func reduceRows(_ output: Output, _ input: Input, _ reduction: RowReduction, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let source = input + row * columns
        switch reduction {
        case .sum: output[row] = sumOfRow(source, columns)
        case .sumOfSquares: output[row] = sumOfSquaresAround(0, source, columns)
        case .sumOfMagnitudes: output[row] = sumOfMagnitudes(source, columns)
        case .maximum: output[row] = extreme(Maximum.self, source, columns)
        case .minimum: output[row] = extreme(Minimum.self, source, columns)
        }
    }
}

@inline(__always)
private func sumOfMagnitudes(_ input: Input, _ count: Int) -> Float {
    var total = all(0)
    for index in stride(from: 0, to: count, by: laneCount) {
        let value = loadAny(input + index, min(laneCount, count - index))
        total = total + lanes(bits(value) & IntLanes(repeating: Int32.max))
    }
    return sum(total)
}

@inline(__always)
private func extreme<Function: LaneCombination>(_ function: Function.Type, _ input: Input, _ count: Int) -> Float {
    var result = all(input[0])
    let whole = count / laneCount * laneCount
    for index in stride(from: 0, to: whole, by: laneCount) { result = function.apply(result, load(input + index)) }
    for index in whole..<count { result = function.apply(result, all(input[index])) }
    var value = result
    for lane in 0..<laneCount { value = function.apply(value, all(result[lane])) }
    return value[0]
}

func clamp(_ output: Output, _ input: Input, _ low: Float, _ high: Float, _ slope: Float, _ count: Int) {
    for index in stride(from: 0, to: count, by: laneCount) {
        let lanes = min(laneCount, count - index)
        let value = smaller(larger(loadAny(input + index, lanes), low), high)
        storeAny(value.replacing(with: value * all(slope), where: value .< all(0)), output + index, lanes)
    }
}

#endif
