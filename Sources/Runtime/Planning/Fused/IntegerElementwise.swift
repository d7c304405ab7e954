// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// activation(a + b) of bytes of one shape.
struct IntegerAdd: Operator {
    var left: TensorScale
    var right: TensorScale
    /// None, ReLU or ReLU6.
    var activation = Activation.none
    var output: TensorScale

    var name: String { "IntegerAdd" }
    var attributes: [(name: String, value: String)] {
        [("a", "\(left)"), ("b", "\(right)"), ("y", "\(output)")]
            + (activation == .none ? [] : [("fused", "\(activation)")])
    }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard inputs.count == 2, inputs.allSatisfy({ $0.elementType == .uint8 }), inputs[0].shape == inputs[1].shape
        else { throw GraphError.invalidInput(operator: name, reason: "takes two values of bytes of one shape") }
        return [Fact(.uint8, inputs[0].shape)]
    }

    /// What a step of each side is in steps of the output.
    var multipliers: (left: Float, right: Float) { (left.scale / output.scale, right.scale / output.scale) }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let (range, factors) = (output.range(activation), multipliers)
        let bytes = zip(inputs[0].integers(), inputs[1].integers()).map { a, b in
            Int(range.byte(Float(a - left.zero) * factors.left + Float(b - right.zero) * factors.right))
        }
        return [try Tensor(bytes, as: .uint8, shape: inputs[0].shape)]
    }
}

/// a * b of bytes: b of a's shape, or with one byte for each channel of an image [1, C, 1, 1].
struct IntegerMultiply: Operator {
    var left: TensorScale
    var right: TensorScale
    var output: TensorScale

    var name: String { "IntegerMul" }
    var attributes: [(name: String, value: String)] { [("a", "\(left)"), ("b", "\(right)"), ("y", "\(output)")] }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard inputs.count == 2, inputs.allSatisfy({ $0.elementType == .uint8 }),
            inputs[0].shape == inputs[1].shape || Self.scalesChannels(inputs[0].shape, inputs[1].shape)
        else { throw GraphError.invalidInput(operator: name, reason: "takes bytes, and factors of their channels") }
        return [Fact(.uint8, inputs[0].shape)]
    }

    /// Whether there is one factor for each channel of an image.
    static func scalesChannels(_ image: Shape, _ factors: Shape) -> Bool {
        image.rank == 4 && image[0] == 1 && factors == [1, image[1], 1, 1]
    }

    /// What a product's step is in steps of the output.
    var multiplier: Float { left.scale * right.scale / output.scale }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let (a, b) = (inputs[0].integers(), inputs[1].integers())
        let range = output.range(.none)
        let inner = a.count == b.count ? 1 : inputs[0].shape[2] * inputs[0].shape[3]
        let bytes = a.indices.map { place in
            Int(range.byte(Float((a[place] - left.zero) * (b[place / inner] - right.zero)) * multiplier))
        }
        return [try Tensor(bytes, as: .uint8, shape: inputs[0].shape)]
    }
}

/// Each byte replaced by another: any function of one element.
struct IntegerLookUp: Operator {
    /// 256 bytes.
    var table: [UInt8]

    var name: String { "IntegerTable" }

    /// The table of a function.
    init(from input: TensorScale, to output: TensorScale, _ function: (Float) throws -> Float) rethrows {
        table = try (0...255).map { output.byte(try function(input.value($0))) }
    }

    init(_ table: [UInt8]) { self.table = table }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard inputs.count == 1, inputs[0].elementType == .uint8, table.count == 256 else {
            throw GraphError.invalidInput(operator: name, reason: "takes bytes")
        }
        return [Fact(.uint8, inputs[0].shape)]
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        [try Tensor(inputs[0].integers().map { Int(table[$0]) }, as: .uint8, shape: inputs[0].shape)]
    }
}

/// Means of an image's windows, or of the whole image, in bytes.
struct IntegerAveragePool: Operator {
    /// nil for the whole image.
    var window: SlidingWindow?
    var countIncludePad = false
    var input: TensorScale
    var output: TensorScale

    var name: String { window == nil ? "IntegerGlobalAveragePool" : "IntegerAveragePool" }
    var attributes: [(name: String, value: String)] {
        pool.attributes + [("x", "\(input)"), ("y", "\(output)")]
    }

    private var pool: any Operator {
        window.map { Pool(.average(countIncludePad: countIncludePad), $0) } ?? AdaptivePool(outputSize: [1, 1])
    }

    func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard inputs.count == 1, inputs[0].elementType == .uint8, inputs[0].shape.rank == 4 else {
            throw GraphError.invalidInput(operator: name, reason: "takes an image of bytes")
        }
        return try pool.outputs(for: inputs)
    }

    /// What a step of the input is in steps of the output.
    var multiplier: Float { input.scale / output.scale }

    /// The window, which may be the whole image.
    func geometry(_ x: Shape, _ y: Shape) -> WindowGeometry {
        window?.geometry(x, y)
            ?? WindowGeometry(
                channels: x[1], inputHeight: x[2], inputWidth: x[3], outputHeight: 1, outputWidth: 1,
                kernelHeight: x[2], kernelWidth: x[3])
    }

    func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let shape = try outputs(for: [Fact(constant: x)])[0].shape
        let g = geometry(x.shape, shape)
        let (bytes, range) = (x.integers(), output.range(.none))
        let plane = g.outputHeight * g.outputWidth
        var result: [Int] = []
        for place in 0..<shape.elementCount {
            let (channel, pixel) = (place / plane % shape[1], place % plane)
            let image = place / (plane * shape[1])
            var (sum, values, padded) = (0, 0, 0)
            for tap in 0..<(g.kernelHeight * g.kernelWidth) {
                let row =
                    pixel / g.outputWidth * g.strideHeight - g.padTop + tap / g.kernelWidth * g.dilationHeight
                let column =
                    pixel % g.outputWidth * g.strideWidth - g.padLeft + tap % g.kernelWidth * g.dilationWidth
                if row < g.inputHeight + g.padBottom, column < g.inputWidth + g.padRight { padded += 1 }
                guard (0..<g.inputHeight).contains(row), (0..<g.inputWidth).contains(column) else { continue }
                values += 1
                sum +=
                    bytes[((image * g.channels + channel) * g.inputHeight + row) * g.inputWidth + column] - input.zero
            }
            let count = max(1, countIncludePad ? padded : values)
            result.append(Int(range.byte(Float(sum) * (multiplier / Float(count)))))
        }
        return [try Tensor(result, as: .uint8, shape: shape)]
    }
}
