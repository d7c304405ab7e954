// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Operators that ONNX Runtime puts in the place of others when it saves a model that it has optimised.
    static var microsoft: [String: Translator] {
        [
            "com.microsoft.FusedConv": { context in
                let result = try convolution(context)
                let sum = try context.optional(3).map { try context.add(Binary(.add), result, $0) } ?? result
                return [try activated(context, sum)]
            },
            "com.microsoft.FusedGemm": { [try activated($0, gemm($0))] },
            "com.microsoft.FusedMatMul": { [try matMul($0)] },
            "com.microsoft.Gelu": { [try $0.add(Unary(.gelu(tanhApproximation: false)), $0.input(0))] },
            "com.microsoft.QuickGelu": { context in
                let x = try context.input(0)
                let alpha = try context.constant(context.float("alpha", 1.702), like: x)
                let gate = try context.add(Unary(.sigmoid), context.add(Binary(.mul), x, alpha))
                return [try context.add(Binary(.mul), x, gate)]
            },
            "com.microsoft.BiasGelu": { context in
                let sum = try context.add(Binary(.add), context.input(0), context.input(1))
                return [try context.add(Unary(.gelu(tanhApproximation: false)), sum)]
            },
            "com.microsoft.FastGelu": { context in
                let x = try context.input(0)
                let sum = try context.optional(1).map { try context.add(Binary(.add), x, $0) } ?? x
                return [try context.add(Unary(.gelu(tanhApproximation: true)), sum)]
            },
        ]
    }

    /// The activation of a fused operator.
    private static func activated(_ context: NodeContext, _ x: Graph.ValueID) throws -> Graph.ValueID {
        let own = try context.floats("activation_params") ?? []
        func parameter(_ index: Int, _ name: String, _ standard: Double) throws -> Double {
            try context.float("activation_\(name)") ?? (index < own.count ? own[index] : standard)
        }
        let function: Unary.Function
        switch try context.string("activation") {
        case "": return x
        case "Relu": function = .relu
        case "Sigmoid": function = .sigmoid
        case "Tanh": function = .tanh
        case "LeakyRelu": function = .leakyRelu(alpha: try parameter(0, "alpha", 0.01))
        case "Clip": function = .clip(min: try parameter(0, "min", -.infinity), max: try parameter(1, "max", .infinity))
        case "HardSigmoid":
            function = .hardSigmoid(
                alpha: try parameter(0, "alpha", 0.2), beta: try parameter(1, "beta", 0.5))
        case let other: throw context.unsupported("activation '\(other)'")
        }
        return try context.add(Unary(function), x)
    }

    private static func matMul(_ context: NodeContext) throws -> Graph.ValueID {
        func operand(_ index: Int, _ name: String) throws -> Graph.ValueID {
            let x = try context.input(index)
            let rank = context.shape(x).rank
            guard try context.flag(name), rank >= 2 else { return x }
            var permutation = Array(0..<rank)
            permutation.swapAt(rank - 1, rank - 2)
            return try context.transpose(x, permutation)
        }
        guard try !context.flag("transBatchA"), try !context.flag("transBatchB") else {
            throw context.unsupported("transBatchA or transBatchB")
        }
        let product = try context.add(MatMul(), operand(0, "transA"), operand(1, "transB"))
        let alpha = try context.float("alpha", 1)
        return alpha == 1 ? product : try context.add(Binary(.mul), product, context.constant(alpha, like: product))
    }
}
