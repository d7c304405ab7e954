// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Quantised values. Between a DequantizeLinear and a QuantizeLinear all is computed with floating-point numbers.
    static var quantized: [String: Translator] {
        [
            "QuantizeLinear": { [try quantize($0)] },
            "DequantizeLinear": { context in
                let quantization = try quantization(context)
                context.ignore("output_dtype", "saturate")
                let inputs = [try context.input(0), try context.input(1)] + [context.optional(2)].compactMap(\.self)
                return [try context.addAll(DequantizeLinear(quantization), inputs)[0]]
            },
            "DynamicQuantizeLinear": { try $0.addAll(DynamicQuantizeLinear(), [$0.input(0)]) },
            "MatMulInteger": { context in
                let left = try centred(context, 0, zero: 2, isRow: true)
                let right = try centred(context, 1, zero: 3, isRow: false)
                return [try context.cast(context.add(MatMul(), left, right), to: .int32)]
            },
            "ConvInteger": { context in
                let x = try centred(context, 0, zero: 2, isRow: false)
                let weight = try centred(context, 1, zero: 3, isRow: true)
                return [try context.cast(convolution(context, x, weight, bias: nil), to: .int32)]
            },
            "QLinearMatMul": { context in
                let left = try dequantized(context, 0, axis: -2)
                let right = try dequantized(context, 3, axis: -1)
                return [try requantized(context, context.add(MatMul(), left, right), scale: 6)]
            },
            "QLinearConv": { [try quantizedConvolution($0)] },
        ]
    }

    private static func quantization(_ context: NodeContext) throws -> Quantization {
        let rank = try context.shape(context.input(0)).rank
        var axis = try context.int("axis", 1)
        if axis < 0 { axis += rank }
        let block = try context.int("block_size", 0)
        guard block >= 0 else { throw context.invalid("blocks of \(block)") }
        return Quantization(axis: max(axis, 0), blockSize: block)
    }

    private static func quantize(_ context: NodeContext) throws -> Graph.ValueID {
        let quantization = try quantization(context)
        context.ignore("saturate", "precision")
        let number = try context.int("output_dtype", 0)
        var type = ElementType.uint8
        if let zero = context.optional(2) {
            type = context.fact(zero).elementType
        } else if number != 0 {
            guard let wanted = ElementType(onnx: number) else {
                throw context.unsupported("the type \(TensorMessage.typeName(number))")
            }
            type = wanted
        }
        let inputs = [try context.input(0), try context.input(1)] + [context.optional(2)].compactMap(\.self)
        return try context.addAll(QuantizeLinear(to: type, quantization), inputs)[0]
    }

    /// An input of integers without its zero point, as Float32, which holds them exactly.
    private static func centred(
        _ context: NodeContext, _ index: Int, zero: Int, isRow: Bool
    ) throws -> Graph.ValueID {
        let x = try context.cast(context.input(index), to: .float32)
        guard let point = context.optional(zero) else { return x }
        var offset = try context.cast(point, to: .float32)
        if isRow, context.shape(offset).rank == 1, context.shape(offset).elementCount > 1 {
            // One for each row, or for each filter.
            let behind = [Int](repeating: 1, count: zero == 3 ? context.shape(x).rank - 1 : 1)
            offset = try context.reshape(offset, context.shape(offset).dimensions + behind)
        }
        return try context.add(Binary(.sub), x, offset)
    }

    private static func dequantized(_ context: NodeContext, _ index: Int, axis: Int) throws -> Graph.ValueID {
        let x = try context.input(index)
        let op = DequantizeLinear(Quantization(axis: max(0, axis < 0 ? axis + context.shape(x).rank : axis)))
        return try context.add(op, x, context.input(index + 1), context.input(index + 2))
    }

    private static func requantized(
        _ context: NodeContext, _ x: Graph.ValueID, scale: Int
    ) throws -> Graph.ValueID {
        let zero = try context.input(scale + 1)
        let op = QuantizeLinear(to: context.fact(zero).elementType, Quantization())
        return try context.add(op, x, context.input(scale), zero)
    }

    private static func quantizedConvolution(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try dequantized(context, 0, axis: 1)
        let weight = try dequantized(context, 3, axis: 0)
        var bias: Graph.ValueID?
        if let integers = context.optional(8) {
            // Its scale is that of the products.
            let scale = try context.add(Binary(.mul), context.input(1), context.input(4))
            bias = try context.add(Binary(.mul), context.cast(integers, to: .float32), scale)
        }
        return try requantized(context, convolution(context, x, weight, bias: bias), scale: 6)
    }
}
