// SPDX-License-Identifier: MIT

import Kernels

/// What products by OpenBLAS cost, counted as the other algorithms' costs are: in multiply-adds of a vector by the portable
/// kernels.
///
/// The sums were fitted to times of `Benchmarks/kernels`; Documentation/Kernels.md says on what machine.
enum LibraryCosts {
    /// A product [m, k] · [k, n].
    ///
    /// - Parameter calls: In how many parts the library is given the rows: it copies the weights for each.
    static func product(m: Int, n: Int, k: Int, calls: Int = 1) -> Double {
        let (m, n, k, calls) = (Double(m), Double(n), Double(k), Double(calls))
        // A call; what the library copies to an order of its own; the output, begun, read and written; the multiplications.
        return vectorsPerNanosecond * (calls * (200 + 0.25 * n * k) + 0.25 * m * k + 0.33 * m * n + m * n * k / 50)
    }

    /// Values that are gathered into windows, or transformed.
    static func copy(_ count: Int) -> Double { vectorsPerNanosecond * 0.3 * Double(count) }

    /// What the portable packed kernel does on the machine that the sums were fitted to.
    private static let vectorsPerNanosecond = 3.75
}

extension ConvolutionProblem {
    /// Each group's filters as a matrix, row by row.
    var rowsPacking: Packing { packing("rows") }
}

extension Planner {
    /// Each group's filters as a matrix [height * width * inputs, outputs], row by row.
    mutating func reserveLibraryMatrices(_ problem: ConvolutionProblem) -> (weight: Int, bias: Int?) {
        let kernels = kernels
        let (outputs, inputs, taps) = (problem.outputsOfGroup, problem.inputsOfGroup, problem.taps)
        let (source, rows, depth) = (problem.weights, problem.outChannels, inputs * taps)
        let weight = weights.reserve(rows * depth, from: source.constants, packing: problem.rowsPacking) { matrices in
            let filters = source.filters(taps: taps, kernels)
            for first in stride(from: 0, to: rows, by: outputs) {
                try filters.forEachBlock(of: first..<(first + outputs), multiple: 16) { block, values in
                    kernels.move.transpose(
                        matrices + first * depth + block.lowerBound - first, outputs, values, depth, block.count, depth)
                }
            }
        }
        return (weight, reserveBias(problem))
    }
}
