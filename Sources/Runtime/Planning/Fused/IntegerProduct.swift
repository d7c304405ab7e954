// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// A product of bytes with signed 8-bit weights, what it is the product of, and what becomes of its sums.
///
/// Inputs: x (u8), weight (i8, constant), the weights' scales (f32, one or one for each output), then those that the flags name, in
/// this order: bias (f32, constant), residual (u8).
struct IntegerProduct: Operator {
    /// What is multiplied with what.
    enum Form: Sendable {
        /// x is an image.
        case convolution(Convolution)
        /// x is rows, or an image [1, C, H, W] that stands for the vector of all its elements.
        case linear(flattensImage: Bool)
    }

    var form: Form
    var input: TensorScale
    var hasBias: Bool
    var residual: TensorScale?
    /// None, ReLU or ReLU6.
    var activation = Activation.none
    /// What the outputs' bytes stand for; nil if they are Float32.
    var output: TensorScale?
    /// What the outputs' bytes become in the end.
    var table: [UInt8]?

    var name: String {
        switch form {
        case .convolution: "IntegerConv"
        case .linear: "IntegerLinear"
        }
    }

    var attributes: [(name: String, value: String)] {
        var result = [("x", "\(input)")]
        if let output { result.append(("y", "\(output)")) }
        if !fusedNames.isEmpty { result.append(("fused", fusedNames.joined(separator: "+"))) }
        if case .convolution(let convolution) = form { result = convolution.attributes.map { ($0.0, $0.1) } + result }
        return result.map { (name: $0.0, value: $0.1) }
    }

    /// What is fused, as summaries name it.
    var fusedNames: [String] {
        (residual == nil ? [] : ["add"]) + (activation == .none ? [] : ["\(activation)"])
            + (table == nil ? [] : ["table"])
    }

    /// The inputs by what they are.
    func operands<Element>(_ inputs: [Element]) -> (bias: Element?, residual: Element?) {
        (hasBias ? inputs[3] : nil, residual == nil ? nil : inputs[hasBias ? 4 : 3])
    }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        let count = 3 + (hasBias ? 1 : 0) + (residual == nil ? 0 : 1)
        guard inputs.count == count, inputs[0].elementType == .uint8, inputs[1].elementType == .int8,
            [1, inputs[1].shape[0]].contains(inputs[2].elementCount)
        else {
            throw GraphError.invalidInput(operator: name, reason: "takes bytes, 8-bit weights and their scales")
        }
        let bias = operands(inputs).bias
        var result: [Fact]
        switch form {
        case .convolution(let convolution):
            result = try convolution.outputs(for: [inputs[0], inputs[1]] + [bias].compactMap(\.self))
        case .linear(let flattensImage):
            var x = inputs[0]
            if flattensImage { x = Fact(.uint8, [1, x.elementCount]) }
            result = try Linear().outputs(for: [x, inputs[1]] + [bias].compactMap(\.self))
        }
        result[0].elementType = output == nil ? .float32 : .uint8
        if let residual = operands(inputs).residual, residual.shape != result[0].shape {
            throw GraphError.invalidInput(operator: name, reason: "residual \(residual.shape)")
        }
        return result
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let facts = inputs.map { Fact(constant: $0) }
        let shape = try outputs(for: facts)[0].shape
        // Sums of so few bits are exact in Double.
        let sums: Tensor
        switch form {
        case .convolution(let convolution):
            // Padding stands for zero: the zero point is taken off first.
            let x = try Tensor(
                inputs[0].doubles().map { $0 - Double(input.zero) }, as: .float64, shape: inputs[0].shape)
            sums = try convolution.evaluate([x, inputs[1]])[0]
        case .linear(let flattensImage):
            let rows = flattensImage ? [1, inputs[0].elementCount] : inputs[0].shape
            let x = try Tensor(inputs[0].doubles().map { $0 - Double(input.zero) }, as: .float64, shape: rows)
            sums = try Linear().evaluate([x, inputs[1]])[0]
        }
        let numbers = Numbers(self, weight: inputs[1], scale: inputs[2], bias: operands(inputs).bias)
        let channels = inputs[1].shape[0]
        var inner = 1
        if case .convolution = form { inner = shape[2] * shape[3] }
        let bounds = bounds
        let residuals = operands(inputs).residual?.integers()
        let values = sums.doubles().enumerated().map { place, sum -> Float in
            let channel = place / inner % channels
            var value = Float(Int32(sum) + numbers.plainBias[channel]) * numbers.multipliers[channel]
            if let residual, let residuals {
                value += Float(Int32(residuals[place]) - Int32(residual.zero)) * residualMultiplier
            }
            return min(max(value, bounds.low), bounds.high)
        }
        guard output != nil else { return [Tensor(values, shape: shape)] }
        let bytes = values.map { value -> Int in
            let byte = bounds.byte(value)
            return Int(table.map { $0[Int(byte)] } ?? byte)
        }
        return [try Tensor(bytes, as: .uint8, shape: shape)]
    }

    /// Bounds of the output, before the zero point is added.
    var bounds: Int8Range {
        if let output { return output.range(activation) }
        return Int8Range(
            low: activation == .none ? -.infinity : 0, high: activation == .relu6 ? 6 : .infinity, zero: 0)
    }

    /// What a step of the residual is in steps of the output.
    var residualMultiplier: Float { residual.map { $0.scale / (output?.scale ?? 1) } ?? 0 }

    /// What the sums of each output are added to and multiplied by.
    struct Numbers {
        /// The bias in steps of the sums.
        let plainBias: [Int32]
        /// The same for sums of bytes whose zero point was not taken off.
        let bias: [Int32]
        let multipliers: [Float]
        /// The largest absolute value that a sum can reach, bias and zero points among it.
        let reach: Double

        init(_ op: IntegerProduct, weight: Tensor, scale: Tensor, bias: Tensor?) {
            let outputs = weight.shape[0]
            let depth = outputs == 0 ? 0 : weight.elementCount / outputs
            let (rows, scales, biases) = (Self.rows(weight, outputs, depth), scale.floats(), bias?.floats())
            var (plain, shifted, multipliers, reach): ([Int32], [Int32], [Float], Double) = ([], [], [], 0)
            for index in 0..<outputs {
                let factor = op.input.scale * scales[scales.count == 1 ? 0 : index]
                let number = biases.map { (Double($0[index]) / Double(factor)).rounded(.toNearestOrEven) } ?? 0
                let offset = Double(op.input.zero * rows[index].sum)
                let total = abs(number) + abs(offset) + 255 * Double(rows[index].magnitude)
                reach = total.isNaN ? .infinity : max(reach, total)
                let known = total < 0x1p31
                plain.append(known ? Int32(number) : 0)
                shifted.append(known ? Int32(number - offset) : 0)
                multipliers.append(op.output.map { factor / $0.scale } ?? factor)
            }
            (plainBias, self.bias, self.multipliers, self.reach) = (plain, shifted, multipliers, reach)
        }

        private static func rows(_ weight: Tensor, _ count: Int, _ depth: Int) -> [(sum: Int, magnitude: Int)] {
            weight.withUnsafeBytes { bytes in
                (0..<count).map { row in
                    var (sum, magnitude) = (0, 0)
                    for place in (row * depth)..<((row + 1) * depth) {
                        let value = Int(Int8(bitPattern: bytes[place]))
                        sum += value
                        magnitude += abs(value)
                    }
                    return (sum, magnitude)
                }
            }
        }

        /// Whether all sums fit into 32 bits, and all factors are numbers.
        var areSafe: Bool { reach < 0x1p31 && multipliers.allSatisfy(\.isFinite) }
    }
}
