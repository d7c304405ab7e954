// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ONNXWriter {
    /// Writes an operator as one node or a few.
    ///
    /// - Returns: Whether it has a form.
    mutating func write(
        _ op: any Operator, _ inputs: [String], _ outputs: [String], _ node: Graph.Node
    ) throws -> Bool {
        let name = node.name
        switch op {
        case let conv as Convolution:
            write("Conv", inputs, outputs, name: name, window(conv.window) + [("group", .int(conv.groups))])
        case is Linear: try writeLinear(inputs, outputs, node)
        case is MatMul: write("MatMul", inputs, outputs, name: name)
        case let norm as BatchNormalization:
            write("BatchNormalization", inputs, outputs, name: name, [("epsilon", .float(norm.epsilon))])
        case let unary as Unary: return try write(unary.function, inputs, outputs, name: name)
        case let binary as Binary:
            let types: [Binary.Function: String] = [
                .add: "Add", .sub: "Sub", .mul: "Mul", .div: "Div", .min: "Min", .max: "Max", .pow: "Pow",
            ]
            guard let type = types[binary.function] else { return false }
            write(type, inputs, outputs, name: name)
        case let pool as Pool: return write(pool, inputs, outputs, name: name)
        case let pool as AdaptivePool:
            guard pool.outputSize.allSatisfy({ $0 == 1 }) else { return false }
            write(pool.isMax ? "GlobalMaxPool" : "GlobalAveragePool", inputs, outputs, name: name)
        case let reshape as Reshape:
            let sizes = sizes(reshape, node)
            let shape = constant(name + ":shape", try Tensor(integers: sizes))
            // Zeros that mean themselves are in a batch that is not free only.
            let meansZero = sizes == reshape.shape.dimensions
            write("Reshape", inputs + [shape], outputs, name: name, meansZero ? [("allowzero", .int(1))] : [])
        case let transpose as Transpose:
            write("Transpose", inputs, outputs, name: name, [("perm", .ints(transpose.permutation))])
        case let concat as Concat: write("Concat", inputs, outputs, name: name, [("axis", .int(concat.axis))])
        case let softmax as Softmax:
            write(
                softmax.isLogarithm ? "LogSoftmax" : "Softmax", inputs, outputs, name: name,
                [("axis", .int(softmax.axis))])
        case let norm as LayerNormalization:
            write(
                "LayerNormalization", inputs, outputs, name: name,
                [("axis", .int(norm.axis)), ("epsilon", .float(norm.epsilon))])
        case let quantize as QuantizeLinear:
            write("QuantizeLinear", inputs, outputs, name: name, attributes(quantize.quantization))
        case let dequantize as DequantizeLinear:
            write("DequantizeLinear", inputs, outputs, name: name, attributes(dequantize.quantization))
        default: return try writeSelection(op, inputs, outputs, name: name)
        }
        return true
    }

    private func attributes(_ quantization: Quantization) -> [(String, Attribute)] {
        [("axis", .int(quantization.axis))]
            + (quantization.blockSize > 0 ? [("block_size", .int(quantization.blockSize))] : [])
    }

    private func window(_ window: SlidingWindow) -> [(String, Attribute)] {
        [
            ("kernel_shape", .ints(window.kernel)), ("strides", .ints(window.strides)),
            ("dilations", .ints(window.dilations)), ("pads", .ints(window.before + window.after)),
        ]
    }

    /// Gemm for matrices, MatMul and Add for stacks of them.
    private mutating func writeLinear(_ inputs: [String], _ outputs: [String], _ node: Graph.Node) throws {
        guard facts(node)[0].shape.rank != 2 else {
            return write("Gemm", inputs, outputs, name: node.name, [("transB", .int(1))])
        }
        let transposed = newName(node.name + ":transposed")
        write("Transpose", [inputs[1]], [transposed], name: transposed, [("perm", .ints([1, 0]))])
        let product = inputs.count > 2 ? newName(node.name + ":product") : outputs[0]
        write("MatMul", [inputs[0], transposed], [product], name: node.name)
        if inputs.count > 2 { write("Add", [product, inputs[2]], outputs, name: node.name + ":bias") }
    }

    private mutating func write(
        _ function: Unary.Function, _ inputs: [String], _ outputs: [String], name: String
    ) throws -> Bool {
        switch function {
        case .silu:
            // As the pieces that every runtime knows.
            let gate = newName(name + ":sigmoid")
            write("Sigmoid", inputs, [gate], name: gate)
            write("Mul", [inputs[0], gate], outputs, name: name)
        case .clip(let low, let high):
            let bounds = [
                low == -.infinity ? "" : constant(name + ":min", Tensor([Float(low)], shape: [])),
                high == .infinity ? "" : constant(name + ":max", Tensor([Float(high)], shape: [])),
            ]
            write("Clip", inputs + bounds, outputs, name: name)
        case .gelu(let isApproximate):
            write("Gelu", inputs, outputs, name: name, [("approximate", .string(isApproximate ? "tanh" : "none"))])
        case .hardSigmoid(let alpha, let beta):
            write("HardSigmoid", inputs, outputs, name: name, [("alpha", .float(alpha)), ("beta", .float(beta))])
        case .leakyRelu(let alpha): write("LeakyRelu", inputs, outputs, name: name, [("alpha", .float(alpha))])
        case .elu(let alpha): write("Elu", inputs, outputs, name: name, [("alpha", .float(alpha))])
        case .relu, .sigmoid, .tanh, .hardSwish, .mish, .erf, .abs, .neg, .sqrt, .exp, .log, .reciprocal:
            write(Unary(function).name, inputs, outputs, name: name)
        default: return false
        }
        return true
    }

    private mutating func write(_ pool: Pool, _ inputs: [String], _ outputs: [String], name: String) -> Bool {
        var attributes = window(pool.window) + [("ceil_mode", .int(pool.window.ceilMode ? 1 : 0))]
        switch pool.function {
        case .max: write("MaxPool", inputs, outputs, name: name, attributes)
        case .average(let countIncludePad):
            attributes.append(("count_include_pad", .int(countIncludePad ? 1 : 0)))
            write("AveragePool", inputs, outputs, name: name, attributes)
        case .lp: return false
        }
        return true
    }

    /// Parts of values, and means.
    private mutating func writeSelection(
        _ op: any Operator, _ inputs: [String], _ outputs: [String], name: String
    ) throws -> Bool {
        switch op {
        case let split as Split:
            let sizes = constant(name + ":sizes", try Tensor(integers: split.sizes))
            write("Split", inputs + [sizes], outputs, name: name, [("axis", .int(split.axis))])
        case let reduce as Reduce:
            let types: [Reduce.Function: String] = [
                .mean: "ReduceMean", .sum: "ReduceSum", .max: "ReduceMax", .min: "ReduceMin",
            ]
            guard let type = types[reduce.function] else { return false }
            let axes = constant(name + ":axes", try Tensor(integers: reduce.axes))
            write(
                type, inputs + [axes], outputs, name: name,
                [("keepdims", .int(reduce.keepDimensions ? 1 : 0)), ("noop_with_empty_axes", .int(1))])
        default: return false
        }
        return true
    }
}
