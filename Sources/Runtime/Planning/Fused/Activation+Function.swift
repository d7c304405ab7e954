// SPDX-License-Identifier: MIT

import Kernels
import Operators

extension Activation {
    /// The kernels' function that does the same as an operator's, if there is one.
    init?(_ function: Unary.Function) {
        switch function {
        case .relu: self = .relu
        case .clip(min: 0, max: 6): self = .relu6
        case .silu: self = .silu
        case .sigmoid: self = .sigmoid
        case .tanh: self = .tanh
        case .hardSwish: self = .hardSwish
        case .hardSigmoid(let alpha, let beta) where Float(alpha) == Float(1.0 / 6) && beta == 0.5: self = .hardSigmoid
        case .gelu(let isApproximate): self = isApproximate ? .geluTanh : .gelu
        default: return nil
        }
    }

    /// The operator's function; nil for none.
    var function: Unary.Function? {
        switch self {
        case .none: nil
        case .relu: .relu
        case .relu6: .clip(min: 0, max: 6)
        case .silu: .silu
        case .sigmoid: .sigmoid
        case .tanh: .tanh
        case .hardSwish: .hardSwish
        case .hardSigmoid: .hardSigmoid(alpha: 1.0 / 6, beta: 0.5)
        case .gelu: .gelu(tanhApproximation: false)
        case .geluTanh: .gelu(tanhApproximation: true)
        }
    }
}
