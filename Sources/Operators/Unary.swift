// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A function of each element.
///
/// Shape: any → the same.
public struct Unary: Operator {
    /// What is done to an element. Names and definitions are ONNX's.
    public enum Function: Sendable, Hashable {
        case relu, sigmoid, tanh, silu, hardSwish, mish, softsign, erf
        case gelu(tanhApproximation: Bool)
        case leakyRelu(alpha: Double)
        case elu(alpha: Double)
        case selu(alpha: Double, gamma: Double)
        case celu(alpha: Double)
        case thresholdedRelu(alpha: Double)
        case shrink(bias: Double, lambda: Double)
        case softplus(beta: Double, threshold: Double)
        case hardSigmoid(alpha: Double, beta: Double)
        /// A missing bound is an infinity.
        case clip(min: Double, max: Double)
        case abs, neg, sign, reciprocal, sqrt, exp, log
        case ceil, floor, round
        case sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh
        case isNaN, isInfinite(positive: Bool, negative: Bool)
        case not, bitwiseNot
    }

    /// What is done.
    public var function: Function

    /// Applies a function to each element.
    public init(_ function: Function) { self.function = function }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        return [Fact(givesTruth ? .bool : inputs[0].elementType, inputs[0].shape)]
    }

    var givesTruth: Bool {
        switch function {
        case .isNaN, .isInfinite, .not: true
        default: false
        }
    }

    /// The field's name.
    public var name: String {
        switch function {
        case .relu: "Relu"
        case .sigmoid: "Sigmoid"
        case .tanh: "Tanh"
        case .silu: "Silu"
        case .hardSwish: "HardSwish"
        case .mish: "Mish"
        case .softsign: "Softsign"
        case .erf: "Erf"
        case .gelu: "Gelu"
        case .leakyRelu: "LeakyRelu"
        case .elu: "Elu"
        case .selu: "Selu"
        case .celu: "Celu"
        case .thresholdedRelu: "ThresholdedRelu"
        case .shrink: "Shrink"
        case .softplus: "Softplus"
        case .hardSigmoid: "HardSigmoid"
        case .clip: "Clip"
        case .isNaN: "IsNaN"
        case .isInfinite: "IsInf"
        case .bitwiseNot: "BitwiseNot"
        default: String(describing: function).prefix(1).uppercased() + String(describing: function).dropFirst()
        }
    }
}
