// SPDX-License-Identifier: MIT

import Graphs
import Tensors

extension Operator {
    /// Multiply-adds that the operator takes: those of convolutions and matrix products; 0 for all else.
    ///
    /// - Parameter inputs: Facts that `outputs(for:)` accepts.
    public func multiplyAdds(for inputs: [Fact]) -> Int {
        guard let output = try? outputs(for: inputs).first?.shape else { return 0 }
        switch self {
        case is Convolution:
            return saturatingProduct(output.elementCount, inputs[1].shape.elementCount / max(output[1], 1))
        case is ConvTranspose:
            return saturatingProduct(inputs[0].elementCount, inputs[1].shape.elementCount / max(inputs[0].shape[1], 1))
        case is Linear: return saturatingProduct(output.elementCount, inputs[1].shape[1])
        case is MatMul: return saturatingProduct(output.elementCount, inputs[0].shape.dimensions.last ?? 1)
        case is Attention:
            let (query, key) = (inputs[0].shape, inputs[1].shape)
            let scores = saturatingProduct(query.elementCount, key[key.rank - 2])
            return saturatingSum(scores, saturatingProduct(output.elementCount, key[key.rank - 2]))
        case let einsum as Einsum: return einsum.productCount(for: inputs)
        default: return 0
        }
    }

    /// What `evaluate` costs, roughly, in steps: for limits.
    public func referenceCost(for inputs: [Fact]) -> Int {
        guard let output = try? outputs(for: inputs).first else { return 0 }
        let each: Int
        switch self {
        case let pool as Pool: each = pool.window.kernel.reduce(1, saturatingProduct)
        case let normalization as LocalResponseNormalization: each = normalization.size
        case let resize as Resize:
            each = resize.scales.reduce(1) { saturatingProduct($0, resize.antialias ? 4 + Int(4 / min($1, 1)) : 4) }
        default: each = 1
        }
        let elements = inputs.reduce(output.elementCount) { saturatingSum($0, $1.elementCount) }
        return saturatingSum(multiplyAdds(for: inputs), saturatingProduct(elements, each))
    }
}

extension Graph {
    /// Multiply-adds of all nodes; the largest Int where the sum is beyond.
    public var multiplyAdds: Int {
        nodes.reduce(0) { sum, node in
            let (value, overflow) = sum.addingReportingOverflow(node.op.multiplyAdds(for: node.inputs.map(fact)))
            return overflow ? .max : value
        }
    }
}

/// The product; the largest Int where it is beyond.
func saturatingProduct(_ left: Int, _ right: Int) -> Int {
    let (value, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? .max : value
}

/// The sum; the largest Int where it is beyond.
func saturatingSum(_ left: Int, _ right: Int) -> Int {
    let (value, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : value
}
