// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Functions of each element.
    static var unary: [String: Translator] {
        var all: [String: Translator] = [
            "LeakyRelu": function { .leakyRelu(alpha: try $0.float("alpha", 0.01)) },
            "Elu": function { .elu(alpha: try $0.float("alpha", 1)) },
            "Selu": function {
                .selu(
                    alpha: try $0.float("alpha", 1.67326319217681884765625),
                    gamma: try $0.float("gamma", 1.05070102214813232421875))
            },
            "Celu": function { .celu(alpha: try $0.float("alpha", 1)) },
            "ThresholdedRelu": function { .thresholdedRelu(alpha: try $0.float("alpha", 1)) },
            "Shrink": function { .shrink(bias: try $0.float("bias", 0), lambda: try $0.float("lambd", 0.5)) },
            "HardSigmoid": function {
                .hardSigmoid(alpha: try $0.float("alpha", Double(Float(0.2))), beta: try $0.float("beta", 0.5))
            },
            "Gelu": function { context in
                switch try context.string("approximate", "none") {
                case "none": .gelu(tanhApproximation: false)
                case "tanh": .gelu(tanhApproximation: true)
                case let other: throw context.unsupported("approximate '\(other)'")
                }
            },
            "IsInf": function {
                .isInfinite(
                    positive: try $0.flag("detect_positive", true), negative: try $0.flag("detect_negative", true))
            },
            "Swish": swish,
            "Clip": clip,
        ]
        let plain: [String: Unary.Function] = [
            "Relu": .relu, "Sigmoid": .sigmoid, "Tanh": .tanh, "HardSwish": .hardSwish, "Mish": .mish,
            "Softsign": .softsign, "Softplus": .softplus(beta: 1, threshold: .infinity), "Erf": .erf, "Abs": .abs,
            "Neg": .neg, "Sign": .sign, "Reciprocal": .reciprocal, "Sqrt": .sqrt, "Exp": .exp, "Log": .log,
            "Ceil": .ceil, "Floor": .floor, "Round": .round, "Sin": .sin, "Cos": .cos, "Tan": .tan, "Asin": .asin,
            "Acos": .acos, "Atan": .atan, "Sinh": .sinh, "Cosh": .cosh, "Asinh": .asinh, "Acosh": .acosh,
            "Atanh": .atanh, "IsNaN": .isNaN, "Not": .not, "BitwiseNot": .bitwiseNot,
        ]
        for (name, unary) in plain { all[name] = function { _ in unary } }
        return all
    }

    private static func function(_ read: @escaping @Sendable (NodeContext) throws -> Unary.Function) -> Translator {
        { context in
            context.ignore("consumed_inputs")
            return [try context.add(Unary(read(context)), context.input(0))]
        }
    }

    /// x * sigmoid(alpha * x).
    private static func swish(_ context: NodeContext) throws -> [Graph.ValueID?] {
        let x = try context.input(0)
        let alpha = try context.float("alpha", 1)
        if alpha == 1 { return [try context.add(Unary(.silu), x)] }
        let scaled = try context.add(Binary(.mul), x, context.constant(alpha, like: x))
        return [try context.add(Binary(.mul), x, context.add(Unary(.sigmoid), scaled))]
    }

    /// The bounds are attributes up to version 10, then inputs that may be absent.
    private static func clip(_ context: NodeContext) throws -> [Graph.ValueID?] {
        context.ignore("consumed_inputs")
        let x = try context.input(0)
        if context.opset < 11 {
            let bounds = (try context.float("min", -.infinity), try context.float("max", .infinity))
            return [try context.add(Unary(.clip(min: bounds.0, max: bounds.1)), x)]
        }
        let (low, high) = (context.optional(1), context.optional(2))
        let known = [low, high].map { $0.flatMap { context.constant($0) }?.doubles().first }
        if (low == nil) == (known[0] == nil), (high == nil) == (known[1] == nil) {
            return [try context.add(Unary(.clip(min: known[0] ?? -.infinity, max: known[1] ?? .infinity)), x)]
        }
        let raised = try low.map { try context.add(Binary(.max), x, $0) } ?? x
        return [try high.map { try context.add(Binary(.min), raised, $0) } ?? raised]
    }
}
