// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

extension Unary {
    /// Applies the function to each element.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let type = givesTruth ? .bool : x.elementType
        if !x.elementType.isFloatingPoint, let whole = wholeNumbers {
            return [try Tensor(x.integers().map(whole), as: type, shape: x.shape)]
        }
        return [try Tensor(x.doubles().map(function.callAsFunction), as: type, shape: x.shape)]
    }

    /// The function of integers, where it is not to take a detour by Double.
    private var wholeNumbers: ((Int) -> Int)? {
        switch function {
        case .relu: { Swift.max($0, 0) }
        case .abs: { $0 < 0 ? 0 &- $0 : $0 }
        case .neg: { 0 &- $0 }
        case .sign: { $0.signum() }
        case .clip(let low, let high):
            { value in
                Swift.min(Swift.max(value, Int(truncating: low.rounded(.up))), Int(truncating: high.rounded(.down)))
            }
        case .ceil, .floor, .round: { $0 }
        case .not: { $0 == 0 ? 1 : 0 }
        case .bitwiseNot: { ~$0 }
        case .isNaN, .isInfinite: { _ in 0 }
        default: nil
        }
    }
}

extension Unary.Function {
    /// The function of a number.
    public func callAsFunction(_ x: Double) -> Double {
        switch self {
        case .relu: x.isNaN ? x : Swift.max(x, 0)
        case .sigmoid: 1 / (1 + MathFunctions.exp(-x))
        case .tanh: MathFunctions.tanh(x)
        case .silu: x == -.infinity ? 0 : x / (1 + MathFunctions.exp(-x))
        case .hardSwish: x * bounded(x / 6 + 0.5, 0, 1)
        case .mish: x * MathFunctions.tanh(softplus(x))
        case .softsign: x / (1 + Swift.abs(x))
        case .erf: MathFunctions.erf(x)
        case .gelu(tanhApproximation: false): 0.5 * x * (1 + MathFunctions.erf(x * 0.5.squareRoot()))
        case .gelu(tanhApproximation: true):
            0.5 * x * (1 + MathFunctions.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .leakyRelu(let alpha): x < 0 ? alpha * x : x
        case .elu(let alpha): x < 0 ? alpha * MathFunctions.expm1(x) : x
        case .selu(let alpha, let gamma): gamma * (x < 0 ? alpha * MathFunctions.expm1(x) : x)
        case .celu(let alpha): x < 0 ? alpha * MathFunctions.expm1(x / alpha) : x
        case .thresholdedRelu(let alpha): x > alpha ? x : 0
        case .shrink(let bias, let lambda): x < -lambda ? x + bias : x > lambda ? x - bias : 0
        case .softplus(let beta, let threshold): x * beta > threshold ? x : softplus(x * beta) / beta
        case .hardSigmoid(let alpha, let beta): bounded(alpha * x + beta, 0, 1)
        case .clip(let low, let high): bounded(x, low, high)
        case .not: x == 0 ? 1 : 0
        case .isNaN: x.isNaN ? 1 : 0
        case .isInfinite(let positive, let negative):
            x == .infinity && positive || x == -.infinity && negative ? 1 : 0
        default: elementary(x)
        }
    }

    private func elementary(_ x: Double) -> Double {
        switch self {
        case .abs: Swift.abs(x)
        case .neg: -x
        case .sign: x > 0 ? 1 : x < 0 ? -1 : x
        case .reciprocal: 1 / x
        case .sqrt: x.squareRoot()
        case .exp: MathFunctions.exp(x)
        case .log: MathFunctions.log(x)
        case .ceil: x.rounded(.up)
        case .floor: x.rounded(.down)
        case .round: x.rounded(.toNearestOrEven)
        case .sin: MathFunctions.sin(x)
        case .cos: MathFunctions.cos(x)
        case .tan: MathFunctions.tan(x)
        case .asin: MathFunctions.asin(x)
        case .acos: MathFunctions.acos(x)
        case .atan: MathFunctions.atan(x)
        case .sinh: MathFunctions.sinh(x)
        case .cosh: MathFunctions.cosh(x)
        case .asinh: MathFunctions.asinh(x)
        case .acosh: MathFunctions.acosh(x)
        case .atanh: MathFunctions.atanh(x)
        default: .nan
        }
    }

    /// ln(1 + eˣ), which does not overflow.
    private func softplus(_ x: Double) -> Double {
        Swift.max(x, 0) + MathFunctions.log1p(MathFunctions.exp(-Swift.abs(x)))
    }

    /// NaN stays NaN; the upper bound wins where they are crossed, as in ONNX.
    private func bounded(_ x: Double, _ low: Double, _ high: Double) -> Double {
        x.isNaN ? x : Swift.min(Swift.max(x, low), high)
    }
}
