// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

// output, input [rows, columns]. Both work in place, row by row: the largest value, the sum of e^(x - largest), the result.

func softmax(_ output: Output, _ input: Input, _ rows: Int, _ columns: Int) {
    for row in 0..<rows {
        let (target, source) = (output + row * columns, input + row * columns)
        let largest = largestValue(source, columns)
        let total = sumOfExponentials(source, columns, largest)
        for column in stride(from: 0, to: columns, by: laneCount) {
            let count = min(laneCount, columns - column)
            let value = exponential(loadAny(source + column, count) - all(largest)) / all(total)
            storeAny(value, target + column, count)
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
    var largest = -Float.infinity
    for index in 0..<count where !(input[index] <= largest) { largest = input[index] }
    return largest
}

private func sumOfExponentials(_ input: Input, _ count: Int, _ largest: Float) -> Float {
    var total = all(0)
    let whole = count / laneCount * laneCount
    for index in stride(from: 0, to: whole, by: laneCount) {
        total = total + exponential(load(input + index) - all(largest))
    }
    var result = sum(total)
    if whole < count {
        let rest = exponential(load(input + whole, count: count - whole) - all(largest))
        for lane in 0..<count - whole { result += rest[lane] }
    }
    return result
}

#endif
