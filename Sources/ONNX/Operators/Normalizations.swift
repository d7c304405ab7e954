// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Means and variances, softmax.
    static var normalizations: [String: Translator] {
        [
            "BatchNormalization": batchNormalization,
            "InstanceNormalization": { context in
                let x = try context.input(0)
                guard context.shape(x).rank >= 2 else { throw context.invalid("takes [N, C, ...]") }
                let op = GroupNormalization(
                    groups: max(1, context.shape(x)[1]), epsilon: try context.float("epsilon", 1e-5))
                return [try context.add(op, x, context.input(1), context.input(2))]
            },
            "GroupNormalization": groupNormalization,
            "LayerNormalization": layerNormalization,
            "RMSNormalization": { context in
                context.ignore("stash_type")
                let x = try context.input(0)
                let axis = try context.axis(context.int("axis", -1), of: context.shape(x).rank)
                let op = RMSNormalization(axis: axis, epsilon: try context.float("epsilon", 1e-5))
                return [try context.add(op, x, context.input(1))]
            },
            "LRN": { context in
                let op = LocalResponseNormalization(
                    size: try context.int("size", 0), alpha: try context.float("alpha", 1e-4),
                    beta: try context.float("beta", 0.75), bias: try context.float("bias", 1))
                return [try context.add(op, context.input(0))]
            },
            "LpNormalization": { context in
                let x = try context.input(0)
                let axis = try context.axis(context.int("axis", -1), of: context.shape(x).rank)
                let p = try context.int("p", 2)
                guard p == 1 || p == 2 else { throw context.unsupported("p \(p)") }
                let norm = try context.add(Reduce(p == 1 ? .l1 : .l2, axes: [axis], keepDimensions: true), x)
                // A row of zeros stays one.
                let isZero = try context.add(Binary(.equal), norm, context.constant(0, like: norm))
                let divisor = try context.add(Where(), isZero, context.constant(1, like: norm), norm)
                return [try context.add(Binary(.div), x, divisor)]
            },
            "MeanVarianceNormalization": meanVariance,
            "Softmax": { [try softmax($0, isLogarithm: false)] },
            "LogSoftmax": { [try softmax($0, isLogarithm: true)] },
            "Hardmax": hardmax,
        ]
    }

    private static func batchNormalization(_ context: NodeContext) throws -> [Graph.ValueID?] {
        context.ignore("is_test", "consumed_inputs")
        guard try context.flag("spatial", true) else { throw context.unsupported("spatial 0") }
        let epsilon = try context.float("epsilon", 1e-5)
        let momentum = try context.float("momentum", 0.9)
        let inputs = try (0..<5).map { try context.input($0) }
        guard try context.flag("training_mode") else {
            return [try context.addAll(BatchNormalization(epsilon: epsilon), inputs)[0]]
        }
        // In training the statistics are the batch's own: exporters write weights that are standardised so.
        let x = inputs[0]
        let axes = (0..<context.shape(x).rank).filter { $0 != 1 }
        let mean = try context.add(Reduce(.mean, axes: axes, keepDimensions: true), x)
        let difference = try context.add(Binary(.sub), x, mean)
        let square = try context.add(Binary(.mul), difference, difference)
        let variance = try context.add(Reduce(.mean, axes: axes, keepDimensions: false), square)
        let flatMean = try context.reshape(mean, context.shape(variance).dimensions)
        let statistics = [inputs[1], inputs[2], flatMean, variance]
        var outputs = [try context.addAll(BatchNormalization(epsilon: epsilon), [x] + statistics)[0]]
        for (running, own) in [(inputs[3], flatMean), (inputs[4], variance)] {
            let kept = try context.add(Binary(.mul), running, context.constant(momentum, like: running))
            let new = try context.add(Binary(.mul), own, context.constant(1 - momentum, like: own))
            outputs.append(try context.add(Binary(.add), kept, new))
        }
        return outputs
    }

    private static func groupNormalization(_ context: NodeContext) throws -> [Graph.ValueID?] {
        context.ignore("stash_type")
        let x = try context.input(0)
        var parameters = [try context.input(1), try context.input(2)]
        let groups = try context.int("num_groups", 0)
        guard context.shape(x).rank >= 2, groups > 0 else { throw context.invalid("\(groups) groups") }
        let channels = context.shape(x)[1]
        if context.opset < 21, groups != channels {
            // One number for each group, up to version 20.
            guard channels % groups == 0 else { throw context.invalid("\(groups) groups of \(channels) channels") }
            parameters = try parameters.map { parameter in
                let column = try context.reshape(parameter, [groups, 1])
                let spread = try context.add(Expand([groups, channels / groups]), column)
                return try context.reshape(spread, [channels])
            }
        }
        let op = GroupNormalization(groups: groups, epsilon: try context.float("epsilon", 1e-5))
        return [try context.addAll(op, [x] + parameters)[0]]
    }

    private static func layerNormalization(_ context: NodeContext) throws -> [Graph.ValueID?] {
        context.ignore("stash_type")
        let x = try context.input(0)
        let rank = context.shape(x).rank
        let axis = try context.axis(context.int("axis", -1), of: rank)
        let epsilon = try context.float("epsilon", 1e-5)
        let parameters = [try context.input(1)] + [context.optional(2)].compactMap(\.self)
        let result = try context.addAll(LayerNormalization(axis: axis, epsilon: epsilon), [x] + parameters)[0]
        guard context.node.outputs.count > 1 else { return [result] }
        let axes = Array(axis..<rank)
        let mean = try context.add(Reduce(.mean, axes: axes, keepDimensions: true), x)
        let difference = try context.add(Binary(.sub), x, mean)
        let square = try context.add(Binary(.mul), difference, difference)
        let variance = try context.add(Reduce(.mean, axes: axes, keepDimensions: true), square)
        let shifted = try context.add(Binary(.add), variance, context.constant(epsilon, like: variance))
        let factor = try context.add(Unary(.reciprocal), context.add(Unary(.sqrt), shifted))
        return [result, mean, factor]
    }

    private static func meanVariance(_ context: NodeContext) throws -> [Graph.ValueID?] {
        let x = try context.input(0)
        let axes = try (context.ints("axes") ?? [0, 2, 3]).map { try context.axis($0, of: context.shape(x).rank) }
        let mean = try context.add(Reduce(.mean, axes: axes, keepDimensions: true), x)
        let difference = try context.add(Binary(.sub), x, mean)
        let square = try context.add(Binary(.mul), difference, difference)
        let variance = try context.add(Reduce(.mean, axes: axes, keepDimensions: true), square)
        let deviation = try context.add(Unary(.sqrt), variance)
        let shifted = try context.add(Binary(.add), deviation, context.constant(1e-9, like: deviation))
        return [try context.add(Binary(.div), difference, shifted)]
    }

    private static func softmax(_ context: NodeContext, isLogarithm: Bool) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        let axis = try context.axis(context.int("axis", context.opset < 13 ? 1 : -1), of: shape.rank)
        if context.opset >= 13 || axis == shape.rank - 1 {
            return try context.add(Softmax(axis: axis, isLogarithm: isLogarithm), x)
        }
        // Up to version 12 all axes from this one on are one.
        let rows = shape.dimensions[..<axis].reduce(1, *)
        let flat = try context.reshape(x, [rows, shape.dimensions[axis...].reduce(1, *)])
        return try context.reshape(
            context.add(Softmax(axis: 1, isLogarithm: isLogarithm), flat), shape.dimensions)
    }

    private static func hardmax(_ context: NodeContext) throws -> [Graph.ValueID?] {
        let x = try context.input(0)
        let shape = context.shape(x)
        let first = try context.axis(context.int("axis", context.opset < 13 ? 1 : -1), of: shape.rank)
        let isFlat = context.opset < 13
        let rows = shape.dimensions[..<first].reduce(1, *)
        let flat = try isFlat ? context.reshape(x, [rows, shape.dimensions[first...].reduce(1, *)]) : x
        let axis = isFlat ? 1 : first
        let largest = try context.add(ArgReduce(isMax: true, axis: axis, keepDimensions: false), flat)
        let values = try context.constant(Tensor([0, 1], as: context.fact(x).elementType, shape: [2]))
        let result = try context.add(OneHot(axis: axis, depth: context.shape(flat)[axis]), largest, values)
        return [try context.reshape(result, shape.dimensions)]
    }
}
