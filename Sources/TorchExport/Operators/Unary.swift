// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Functions of each element.
    static var unary: [String: AtenTranslator] {
        let plain: [String: Unary.Function] = [
            "relu": .relu, "silu": .silu, "mish": .mish, "abs": .abs, "neg": .neg, "sign": .sign, "ceil": .ceil,
            "floor": .floor, "round": .round, "relu6": .clip(min: 0, max: 6), "hardswish": .hardSwish,
            "hardsigmoid": .hardSigmoid(alpha: 1.0 / 6, beta: 0.5),
        ]
        // These give real numbers for whole ones too.
        let ofReals: [String: Unary.Function] = [
            "sigmoid": .sigmoid, "tanh": .tanh, "erf": .erf, "reciprocal": .reciprocal, "sqrt": .sqrt, "exp": .exp,
            "log": .log, "sin": .sin, "cos": .cos, "tan": .tan, "asin": .asin, "acos": .acos, "atan": .atan,
            "sinh": .sinh, "cosh": .cosh, "asinh": .asinh, "acosh": .acosh, "atanh": .atanh,
        ]
        let truths: [String: Unary.Function] = [
            "isnan": .isNaN, "isinf": .isInfinite(positive: true, negative: true), "logical_not": .not,
        ]
        var all: [String: AtenTranslator] = [:]
        for (name, function) in plain {
            all["aten.\(name).default"] = { [.value(try $0.add(Unary(function), $0.tensor("self")))] }
        }
        for (name, function) in ofReals {
            all["aten.\(name).default"] = { [.value(try $0.add(Unary(function), real($0, $0.tensor("self"))))] }
        }
        for (name, function) in truths {
            all["aten.\(name).default"] = { call in
                let x = try call.tensor("self")
                return [.value(try call.add(Unary(function), function == .not ? call.cast(x, to: .bool) : x))]
            }
        }
        return all.merging(withParameters) { _, new in new }
    }

    private static var withParameters: [String: AtenTranslator] {
        [
            "aten.gelu.default": function { call in
                switch try call.string("approximate") ?? "none" {
                case "none": .gelu(tanhApproximation: false)
                case "tanh": .gelu(tanhApproximation: true)
                case let other: throw call.unsupported("approximate '\(other)'")
                }
            },
            "aten.leaky_relu.default": function { .leakyRelu(alpha: try $0.double("negative_slope", 0.01)) },
            "aten.elu.default": { call in
                // scale * (max(0, x) + min(0, alpha * (exp(input_scale * x) - 1)))
                let (alpha, scale) = (try call.double("alpha", 1), try call.double("scale", 1))
                guard try call.double("input_scale", 1) == 1 else { throw call.unsupported("input_scale") }
                let function: Unary.Function = scale == 1 ? .elu(alpha: alpha) : .selu(alpha: alpha, gamma: scale)
                return [.value(try call.add(Unary(function), call.tensor("self")))]
            },
            "aten.selu.default": function { _ in
                .selu(alpha: 1.6732632423543772848170429916717, gamma: 1.0507009873554804934193349852946)
            },
            "aten.celu.default": function { .celu(alpha: try $0.double("alpha", 1)) },
            "aten.softplus.default": function {
                .softplus(beta: try $0.double("beta", 1), threshold: try $0.double("threshold", 20))
            },
            "aten.hardtanh.default": function {
                .clip(min: try $0.double("min_val", -1), max: try $0.double("max_val", 1))
            },
            "aten.clamp.default": function {
                .clip(min: try $0.double("min") ?? -.infinity, max: try $0.double("max") ?? .infinity)
            },
            "aten.clamp_min.default": function { .clip(min: try $0.double("min") ?? -.infinity, max: .infinity) },
            "aten.clamp_max.default": function { .clip(min: -.infinity, max: try $0.double("max") ?? .infinity) },
            "aten.softshrink.default": function { call in
                let lambda = try call.double("lambd", 0.5)
                return .shrink(bias: lambda, lambda: lambda)
            },
            "aten.hardshrink.default": function { .shrink(bias: 0, lambda: try $0.double("lambd", 0.5)) },
            "aten.bitwise_not.default": { call in
                let x = try call.tensor("self")
                return [.value(try call.add(Unary(call.type(x) == .bool ? .not : .bitwiseNot), x))]
            },
            "aten.rsqrt.default": { call in
                let root = try call.add(Unary(.sqrt), real(call, call.tensor("self")))
                return [.value(try call.add(Unary(.reciprocal), root))]
            },
            "aten.square.default": { call in
                let x = try call.tensor("self")
                return [.value(try call.add(Binary(.mul), x, x))]
            },
            "aten.expm1.default": { call in
                let x = try real(call, call.tensor("self"))
                return [.value(try call.add(Binary(.sub), call.add(Unary(.exp), x), call.constant(1, call.type(x))))]
            },
            "aten.log1p.default": { call in
                let x = try real(call, call.tensor("self"))
                return [.value(try call.add(Unary(.log), call.add(Binary(.add), x, call.constant(1, call.type(x)))))]
            },
            "aten.log_sigmoid.default": { call in
                // -softplus(-x), which does not overflow.
                let negative = try call.add(Unary(.neg), call.tensor("self"))
                let softplus = try call.add(Unary(.softplus(beta: 1, threshold: .infinity)), negative)
                return [.value(try call.add(Unary(.neg), softplus))]
            },
            "aten.threshold.default": { call in
                let x = try call.tensor("self")
                let (limit, value) = (try call.double("threshold", 0), try call.double("value", 0))
                let isAbove = try call.add(Binary(.greater), x, call.constant(limit, call.type(x)))
                return [.value(try call.add(Where(), isAbove, x, call.constant(value, call.type(x))))]
            },
            "aten.glu.default": { call in
                let x = try call.tensor("self")
                let axis = try call.axis(call.int("dim", -1), of: call.shape(x).rank)
                let size = call.shape(x).dimensions[axis]
                guard size % 2 == 0 else { throw call.invalid("halves of \(size)") }
                let halves = try call.addAll(Split(axis: axis, sizes: [size / 2, size / 2]), [x])
                return [.value(try call.add(Binary(.mul), halves[0], call.add(Unary(.sigmoid), halves[1])))]
            },
            "aten._prelu_kernel.default": { call in
                [.value(try call.add(Binary(.pRelu), call.tensor("self"), call.tensor("weight")))]
            },
            "aten.prelu.default": { call in
                let x = try call.tensor("self")
                let slope = try call.tensor("weight")
                let count = call.shape(slope).elementCount
                let behind = [Int](repeating: 1, count: max(0, call.shape(x).rank - 2))
                return [
                    .value(try call.add(Binary(.pRelu), x, call.reshape(slope, count == 1 ? [1] : [count] + behind)))
                ]
            },
        ]
    }

    private static func function(_ read: @escaping @Sendable (Call) throws -> Unary.Function) -> AtenTranslator {
        { [.value(try $0.add(Unary(read($0)), $0.tensor("self")))] }
    }

    /// Whole numbers as Float32.
    static func real(_ call: Call, _ id: Graph.ValueID) throws -> Graph.ValueID {
        call.type(id).isFloatingPoint ? id : try call.cast(id, to: .float32)
    }
}
