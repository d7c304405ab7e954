// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output, input [rows, columns]. Both work in place, row by row: the largest value, the sum of e^(x - largest), the result.

func softmax(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let (target, source) = (output + row * columns, input + row * columns)
        let total = sumOfExponentials(source, columns, largestValue(source, columns), to: target)
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            storeAny(loadAny(target + column, count) / all(total), target + column, count)
        }
    }
}

func logSoftmax(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let (target, source) = (output + row * columns, input + row * columns)
        let largest = largestValue(source, columns)
        let logOfTotal = logarithm(sumOfExponentials(source, columns, largest))
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            storeAny(loadAny(source + column, count) - all(largest) - all(logOfTotal), target + column, count)
        }
    }
}

private func largestValue(_ input: Input, _ count: Int) -> Float {
    guard count >= laneCount else {
        var largest = -Float.infinity
        for index in 0..<count where !(input[index] <= largest) { largest = input[index] }
        return largest
    }
    // A NaN may be passed over: it makes the sum NaN.
    var largest = load(input)
    for index in stride(from: laneCount, to: count, by: laneCount) {
        // The last vector ends with the row.
        let value = load(input + min(index, count - laneCount))
        largest = largest.replacing(with: value, where: value .> largest)
    }
    var result = largest[0]
    for lane in 1..<laneCount where largest[lane] > result { result = largest[lane] }
    return result
}

/// The sum of e^(x - largest), in one order for each level; the exponentials themselves go to `target` if there is one.
private func sumOfExponentials(_ input: Input, _ count: Int, _ largest: Float, to target: Output? = nil) -> Float {
    var total = all(0)
    let whole = count / laneCount * laneCount
    for index in stride(from: 0, to: whole, by: laneCount) {
        let value = exponential(load(input + index) - all(largest))
        if let target { store(value, target + index) }
        total = total + value
    }
    var result = sum(total)
    if whole < count {
        let rest = exponential(load(input + whole, count: count - whole) - all(largest))
        if let target { store(rest, target + whole, count: count - whole) }
        for lane in 0..<count - whole { result += rest[lane] }
    }
    return result
}

#endif
