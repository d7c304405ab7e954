// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Sums along axes, and what looks for elements along one.
    static var reductions: [String: Translator] {
        var all: [String: Translator] = [
            "ArgMax": { [try argument($0, isMax: true)] },
            "ArgMin": { [try argument($0, isMax: false)] },
            "TopK": topK,
            "CumSum": { context in
                let x = try context.input(0)
                let axis = try context.integers(1, "axis")?.first ?? 0
                let op = CumulativeSum(
                    axis: try context.axis(axis, of: context.shape(x).rank),
                    isExclusive: try context.flag("exclusive"), isReverse: try context.flag("reverse"))
                return [try context.add(op, x)]
            },
        ]
        for function in Reduce.Function.allCases { all[function.rawValue] = { [try reduce(function, $0)] } }
        return all
    }

    /// The axes are an attribute at first; an input from version 18 on, of ReduceSum from 13 on.
    private static func reduce(_ function: Reduce.Function, _ context: NodeContext) throws -> Graph.ValueID {
        var x = try context.input(0)
        let rank = context.shape(x).rank
        var axes = try context.ints("axes") ?? context.integers(1, "axes") ?? []
        let keeps = try context.flag("keepdims", true)
        if try context.flag("noop_with_empty_axes"), axes.isEmpty {
            axes = []
        } else if axes.isEmpty {
            axes = Array(0..<rank)
        }
        axes = try Array(Set(axes.map { try context.axis($0, of: rank) }))
        let type = context.fact(x).elementType
        let isTruth = type == .bool
        // Truth has a largest and a smallest element too.
        if isTruth { x = try context.cast(x, to: .uint8) }
        let result = try context.add(Reduce(function, axes: axes, keepDimensions: keeps), x)
        return try isTruth ? context.cast(result, to: .bool) : result
    }

    private static func argument(_ context: NodeContext, isMax: Bool) throws -> Graph.ValueID {
        let x = try context.input(0)
        let op = ArgReduce(
            isMax: isMax, axis: try context.axis(context.int("axis", 0), of: context.shape(x).rank),
            keepDimensions: try context.flag("keepdims", true), takesLast: try context.flag("select_last_index"))
        return try context.add(op, x)
    }

    private static func topK(_ context: NodeContext) throws -> [Graph.ValueID?] {
        context.ignore("sorted")
        let x = try context.input(0)
        let axis = try context.axis(context.int("axis", -1), of: context.shape(x).rank)
        guard let count = try context.int("k") ?? context.integers(1, "k")?.first else {
            throw context.invalid("k is missing")
        }
        let op = TopK(axis: axis, count: count, isLargest: try context.flag("largest", true))
        return try context.addAll(op, [x])
    }
}
