// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Sums along axes, and what looks for elements along one.
    static var reductions: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [:]
        let lists: [(String, String, Reduce.Function)] = [
            ("mean", "dim", .mean), ("sum", "dim_IntList", .sum), ("amax", "default", .max), ("amin", "default", .min),
            ("logsumexp", "default", .logSumExp), ("prod", "dim_int", .product), ("mean", "default", .mean),
            ("sum", "default", .sum), ("prod", "default", .product), ("max", "default", .max), ("min", "default", .min),
        ]
        for (name, overload, function) in lists {
            all["aten.\(name).\(overload)"] = { [.value(try reduce($0, function))] }
        }
        for (name, isMax) in [("max", true), ("min", false)] {
            all["aten.\(name).dim"] = { call in
                let x = try call.tensor("self")
                let axis = try call.axis(call.int("dim", -1), of: call.shape(x).rank)
                let keeps = try call.flag("keepdim")
                let op = Reduce(isMax ? .max : .min, axes: call.shape(x).rank == 0 ? [] : [axis], keepDimensions: keeps)
                let place = ArgReduce(isMax: isMax, axis: axis, keepDimensions: keeps)
                return [.value(try call.add(op, x)), call.usesSecondOutput ? .value(try call.add(place, x)) : nil]
            }
            all["aten.\(name).other"] = binary["aten.\(isMax ? "maximum" : "minimum").default"]
            all["aten.arg\(name).default"] = { [.value(try argument($0, isMax: isMax))] }
        }
        for (name, isAny) in [("any", true), ("all", false)] {
            for overload in ["default", "dim", "dims"] {
                all["aten.\(name).\(overload)"] = { call in
                    let bytes = try call.cast(call.cast(call.tensor("self"), to: .bool), to: .int32)
                    let result = try reduce(call, isAny ? .max : .min, of: bytes)
                    return [.value(try call.cast(result, to: .bool))]
                }
            }
        }
        for (name, overload) in [
            ("var", "correction"), ("var", "dim"), ("var", "default"), ("std", "correction"), ("std", "dim"),
            ("std", "default"),
        ] {
            all["aten.\(name).\(overload)"] = { call in
                let (_, variance) = try moments(call)
                return [.value(name == "std" ? try call.add(Unary(.sqrt), variance) : variance)]
            }
        }
        for overload in ["correction", "dim", "default"] {
            all["aten.var_mean.\(overload)"] = { call in
                let (mean, variance) = try moments(call)
                return [.value(variance), .value(mean)]
            }
        }
        all["aten.linalg_vector_norm.default"] = { [.value(try norm($0, $0.double("ord", 2)))] }
        for overload in ["ScalarOpt_dim", "Scalar"] {
            all["aten.norm.\(overload)"] = { [.value(try norm($0, $0.double("p", 2)))] }
        }
        all["aten.cumsum.default"] = { call in
            var x = try call.tensor("self")
            let type = try call.elementType("dtype") ?? (call.type(x).isFloatingPoint ? call.type(x) : .int64)
            x = try call.cast(x, to: type)
            let axis = try call.axis(call.int("dim", 0), of: call.shape(x).rank)
            return [.value(try call.add(CumulativeSum(axis: axis), x))]
        }
        all["aten.topk.default"] = { call in
            call.ignore("sorted")
            let x = try call.tensor("self")
            let axis = try call.axis(call.int("dim", -1), of: call.shape(x).rank)
            let op = TopK(axis: axis, count: try call.int("k", 1), isLargest: try call.flag("largest", true))
            return try call.addAll(op, [x]).map { .value($0) }
        }
        return all
    }

    private static func axes(_ call: Call, _ rank: Int) throws -> [Int] {
        let given = try call.ints("dim") ?? []
        if given.isEmpty || rank == 0 { return Array(0..<rank) }
        let axes = try given.map { try call.axis($0, of: rank) }
        guard Set(axes).count == axes.count else { throw call.invalid("an axis of \(given) stands there twice") }
        return axes.sorted()
    }

    private static func reduce(
        _ call: Call, _ function: Reduce.Function, of other: Graph.ValueID? = nil
    ) throws -> Graph.ValueID {
        var x = try other ?? call.tensor("self")
        if let type = try call.elementType("dtype") {
            x = try call.cast(x, to: type)
        } else if !call.type(x).isFloatingPoint, [.sum, .product].contains(function) {
            x = try call.cast(x, to: .int64)
        }
        let axes = try axes(call, call.shape(x).rank)
        return try call.add(Reduce(function, axes: axes, keepDimensions: call.flag("keepdim")), x)
    }

    private static func argument(_ call: Call, isMax: Bool) throws -> Graph.ValueID {
        var x = try call.tensor("self")
        let rank = call.shape(x).rank
        let keeps = try call.flag("keepdim")
        guard let axis = try call.int("dim") else {
            x = try call.reshape(x, [call.shape(x).elementCount])
            let found = try call.add(ArgReduce(isMax: isMax, axis: 0, keepDimensions: false), x)
            return try keeps ? call.reshape(found, [Int](repeating: 1, count: rank)) : found
        }
        return try call.add(ArgReduce(isMax: isMax, axis: call.axis(axis, of: rank), keepDimensions: keeps), x)
    }

    /// Mean and variance; the variance's divisor is smaller than the count by `correction`.
    private static func moments(_ call: Call) throws -> (mean: Graph.ValueID, variance: Graph.ValueID) {
        let x = try call.tensor("self")
        let shape = call.shape(x)
        let axes = try axes(call, shape.rank)
        let keeps = try call.flag("keepdim")
        let correction = try call.double("correction") ?? (call.flag("unbiased", true) ? 1 : 0)
        let count = Double(axes.reduce(1) { $0 * shape[$1] })
        guard count > 0 else { throw call.invalid("no elements along \(axes)") }
        let mean = try call.add(Reduce(.mean, axes: axes, keepDimensions: true), x)
        let difference = try call.add(Binary(.sub), x, mean)
        let square = try call.add(Binary(.mul), difference, difference)
        let variance = try call.add(Reduce(.mean, axes: axes, keepDimensions: keeps), square)
        let factor = correction == 0 ? 1 : count / max(0, count - correction)
        let own = keeps ? mean : try call.reshape(mean, call.shape(variance).dimensions)
        return (own, try call.scaled(variance, factor))
    }

    private static func norm(_ call: Call, _ order: Double) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        if let type = try call.elementType("dtype"), type != call.type(x) { throw call.unsupported("dtype") }
        let axes = try axes(call, call.shape(x).rank)
        let keeps = try call.flag("keepdim")
        switch order {
        case 1: return try call.add(Reduce(.l1, axes: axes, keepDimensions: keeps), x)
        case 2: return try call.add(Reduce(.l2, axes: axes, keepDimensions: keeps), x)
        case .infinity:
            return try call.add(Reduce(.max, axes: axes, keepDimensions: keeps), call.add(Unary(.abs), x))
        default: throw call.unsupported("the norm of order \(order)")
        }
    }
}
