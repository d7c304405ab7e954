// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A value quantised to UInt8 by its own smallest and largest element, zero among them.
///
/// Shape: any → the same as UInt8, the scale [] and the zero point [] as UInt8.
public struct DynamicQuantizeLinear: Operator {
    /// Makes the operator; it has no attributes.
    public init() {}

    /// The field's name.
    public var name: String { "DynamicQuantizeLinear" }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        guard inputs[0].elementType == .float32 else { throw fault("takes f32, not \(inputs[0])") }
        return [Fact(.uint8, inputs[0].shape), Fact(.float32, []), Fact(.uint8, [])]
    }

    /// Looks for the range, then quantises.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let elements = inputs[0].floats()
        let (low, high) = (Swift.min(elements.min() ?? 0, 0), Swift.max(elements.max() ?? 0, 0))
        let scale = (high - low) / 255
        let zero = Swift.min(Swift.max((-low / scale).rounded(.toNearestOrEven), 0), 255)
        let scaleTensor = Tensor([scale], shape: [])
        let zeroTensor = try Tensor([zero.isNaN ? 0 : Double(zero)], as: .uint8, shape: [])
        let quantized = try QuantizeLinear(to: .uint8, Quantization()).evaluate([inputs[0], scaleTensor, zeroTensor])
        return [quantized[0], scaleTensor, zeroTensor]
    }
}
