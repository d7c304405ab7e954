// SPDX-License-Identifier: MIT

import BLAS
import Graphs
import Kernels
import Layers
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// One convolution of any shape, with PyTorch's defaults.
struct ConvolutionShape: CustomStringConvertible {
    var channels: Int
    var outputs: Int
    var height: Int
    var width: Int
    var kernel: Size2d = 1
    var stride: Size2d = 1
    var dilation: Size2d = 1
    var padding: Padding = 0
    var groups = 1

    var description: String {
        "\(channels)>\(outputs) \(kernel) over \(height)x\(width), stride \(stride), dilation \(dilation), \(padding), "
            + "\(groups) groups"
    }
}

/// The ways to do a convolution that a plan chooses between, against sums in Double.
@Suite("Convolutions of any shape")
struct ConvolutionShapeTests {
    /// Shapes that leave vectors, blocks of pixels and strips of lines unfinished, with groups of every size.
    static let shapes: [ConvolutionShape] = [
        .init(channels: 48, outputs: 48, height: 9, width: 11, groups: 16),
        .init(channels: 36, outputs: 18, height: 7, width: 31, stride: 2, groups: 18),
        .init(channels: 7, outputs: 14, height: 13, width: 9, kernel: 3, padding: 1, groups: 7),
        .init(
            channels: 4, outputs: 8, height: 75, width: 61, kernel: .init(height: 3, width: 2), stride: 2,
            dilation: .init(height: 3, width: 2), padding: .sides(top: 3, bottom: 0, left: 1, right: 2), groups: 4),
        .init(channels: 24, outputs: 36, height: 8, width: 10, kernel: 3, padding: 1, groups: 12),
        .init(channels: 9, outputs: 6, height: 8, width: 10, kernel: 5, padding: 2, groups: 3),
        .init(channels: 3, outputs: 3, height: 29, width: 37, kernel: 3, groups: 3),
        .init(channels: 3, outputs: 3, height: 12, width: 35, kernel: 3, groups: 3),
        .init(channels: 13, outputs: 13, height: 12, width: 19, kernel: 5, padding: 2, groups: 13),
        .init(channels: 24, outputs: 24, height: 150, width: 40, kernel: 3, dilation: 2, padding: 2, groups: 24),
        .init(channels: 33, outputs: 33, height: 10, width: 9, stride: 2, groups: 33),
        .init(channels: 35, outputs: 35, height: 17, width: 23, kernel: 7, padding: 3, groups: 35),
        .init(channels: 35, outputs: 35, height: 17, width: 23, kernel: 7, stride: 2, padding: 3, groups: 35),
        .init(channels: 48, outputs: 320, height: 13, width: 13, groups: 8),
        .init(
            channels: 128, outputs: 64, height: 75, width: 61, kernel: 3, stride: 2, dilation: 3, padding: 3, groups: 2),
        .init(channels: 131, outputs: 5, height: 13, width: 11),
        .init(channels: 40, outputs: 7, height: 9, width: 14, kernel: 3, stride: 2, padding: 1),
        .init(channels: 70, outputs: 4, height: 17, width: 9, kernel: 3, dilation: 2, padding: 1),
        .init(channels: 50, outputs: 16, height: 10, width: 7, kernel: 5, padding: 2, groups: 2),
        .init(channels: 80, outputs: 6, height: 10, width: 7, kernel: 3, groups: 2),
        .init(channels: 8, outputs: 33, height: 7, width: 7, kernel: 7, dilation: 2, padding: 6),
        .init(
            channels: 20, outputs: 24, height: 5, width: 9, kernel: .init(height: 3, width: 2), stride: 2,
            dilation: .init(height: 2, width: 3), padding: .sides(top: 9, bottom: 6, left: 2, right: 1)),
        .init(channels: 200, outputs: 35, height: 9, width: 6, kernel: 5, dilation: 3, padding: 6),
        .init(channels: 128, outputs: 30, height: 20, width: 107, kernel: 3, stride: 8, padding: 1),
        .init(channels: 26, outputs: 44, height: 8, width: 5, kernel: 5, dilation: 2, padding: 4, groups: 2),
        .init(channels: 70, outputs: 3, height: 5, width: 9, kernel: 3, dilation: 4, padding: 5),
        .init(channels: 37, outputs: 90, height: 31, width: 29),
        .init(channels: 37, outputs: 23, height: 13, width: 9),
        .init(channels: 64, outputs: 96, height: 11, width: 10, groups: 32),
        .init(channels: 12, outputs: 10, height: 23, width: 61, stride: 2, groups: 2),
        .init(channels: 3, outputs: 13, height: 35, width: 40, kernel: 3, padding: 1),
        .init(channels: 4, outputs: 4, height: 31, width: 150, kernel: 3),
        .init(channels: 5, outputs: 1, height: 21, width: 130, kernel: 3, padding: 1),
        .init(
            channels: 5, outputs: 2, height: 21, width: 67, kernel: 3, stride: .init(height: 3, width: 1), padding: 1),
        .init(channels: 9, outputs: 9, height: 20, width: 33, kernel: 5, padding: 2, groups: 9),
        .init(
            channels: 3, outputs: 7, height: 75, width: 151, kernel: .init(height: 3, width: 2), stride: 2,
            dilation: .init(height: 3, width: 2), padding: .sides(top: 3, bottom: 0, left: 1, right: 2)),
        .init(
            channels: 4, outputs: 6, height: 200, width: 97, kernel: .init(height: 4, width: 5),
            stride: .init(height: 1, width: 4), dilation: .init(height: 1, width: 6),
            padding: .sides(top: 1, bottom: 2, left: 9, right: 9), groups: 2),
        .init(channels: 33, outputs: 33, height: 120, width: 90, kernel: 3, stride: 2, padding: 1, groups: 33),
        .init(channels: 17, outputs: 17, height: 150, width: 40, kernel: 3, dilation: 2, padding: 2, groups: 17),
        .init(
            channels: 40, outputs: 40, height: 13, width: 9, kernel: .init(height: 5, width: 3), stride: 2, dilation: 2,
            padding: .sides(top: 9, bottom: 9, left: 4, right: 0), groups: 40),
        .init(channels: 96, outputs: 64, height: 21, width: 19, kernel: 3, stride: 2, padding: 1, groups: 2),
        .init(channels: 72, outputs: 40, height: 25, width: 23, kernel: 3, stride: 2),
    ]

    @Test("each algorithm that suits a shape matches the reference, whatever the threads", arguments: shapes.indices)
    func matchReference(index: Int) throws {
        let shape = Self.shapes[index]
        let network = try SingleConvolution(shape, seed: UInt64(index))
        let graph = try Graph(network, input: [shape.channels, shape.height, shape.width])
        let input = randomFloats(2 * shape.channels * shape.height * shape.width, seed: UInt64(index) + 50)
        let expected = network.reference(input, images: 2).map { Float($0) }
        var products: [MatrixProducts] = [.packed(because: "of a test")]
        if let library = try? MatrixProducts.forced.get() { products.append(library) }
        for kernels in KernelTable.available {
            var tried: Set<String> = []
            for products in products {
                let convolution = try Plan(graph, kernels: kernels, products: products).summaries.first {
                    $0.operation.hasPrefix("conv2d")
                }
                let summary = try #require(convolution)
                #expect(!summary.candidates.isEmpty)
                for algorithm in summary.candidates.map(\.algorithm) where tried.insert(algorithm).inserted {
                    let plan = try Plan(
                        graph, kernels: kernels, products: products, algorithms: [summary.name: algorithm])
                    try check(plan, shape, input, expected, "\(shape) by \(algorithm) on \(kernels.name)")
                }
            }
        }
    }

    /// - Parameter expected: The answers for the two images of `input`, in PyTorch's order.
    private func check(_ plan: Plan, _ shape: ConvolutionShape, _ input: [Float], _ expected: [Float], _ what: String)
        throws
    {
        let usesWinograd = plan.summaries.contains { $0.algorithm.contains("winograd") }
        let tensor = Tensor(input, shape: [2, shape.channels, shape.height, shape.width])
        var alone: [Float]?
        for threads in [1, 2, 3] {
            let session = try Session(plan, threads: threads, leastSharedWork: 0)
            let answer = try session.run(tensor).floats()
            expectClose(answer, expected, usesWinograd ? .winograd : .accumulated, "\(what), \(threads) threads")
            if let alone { expectClose(answer, alone, .exact, "\(what), \(threads) threads") }
            alone = answer
        }
        let transposed = input.transposedToNHWC(images: 2, channels: shape.channels)
        var other = [Float](repeating: .nan, count: expected.count)
        let session = try Session(plan)
        transposed.withUnsafeBufferPointer { transposed in
            other.withUnsafeMutableBufferPointer {
                session.run(transposed, count: 2, layout: .channelsLast, output: $0)
            }
        }
        expectClose(other, alone ?? [], .exact, "\(what), given in NHWC")
    }

    @Test("activations are fused", arguments: KernelTable.available)
    func activationsAreFused(kernels: KernelTable) throws {
        for shape in Self.shapes where shape.height < 25 {
            let size: Shape = [shape.channels, shape.height, shape.width]
            let input = randomFloats(size.elementCount, seed: 9)
            for activation in SingleConvolution.Activation.allCases {
                let network = try SingleConvolution(shape, seed: 8, activation: activation)
                let answer = try Session(Plan(network, input: size, kernels: kernels)).run(
                    Tensor(input, shape: [1, shape.channels, shape.height, shape.width])
                ).floats()
                let expected = network.reference(input, images: 1).map { Float(activation.reference($0)) }
                expectClose(answer, expected, .accumulated, "\(activation)(\(shape)) on \(kernels.name)")
            }
        }
    }

    @Test("a plan says that it leaves out rows beyond the image")
    func summariesCountRows() throws {
        let shape = ConvolutionShape(channels: 8, outputs: 33, height: 7, width: 7, kernel: 7, dilation: 2, padding: 6)
        let products = MatrixProducts.packed(because: "of a test")
        let summary = try Plan(SingleConvolution(shape, seed: 1), input: [8, 7, 7], products: products).summaries[0]
        #expect(summary.reason == "a matrix product of windows, no rows beyond the image")
        // Of seven lines' seven rows 1, 3, 5, 7, 5, 3 and 1 lie inside.
        #expect(summary.executedMultiplyAdds == summary.multiplyAdds * 25 / 49)
    }

    @Test("NaN and infinity stay in their group", arguments: KernelTable.available)
    func groupsDoNotMix(kernels: KernelTable) throws {
        for shape in Self.shapes where shape.groups > 1 {
            let plan = try Plan(
                SingleConvolution(shape, seed: 1), input: [shape.channels, shape.height, shape.width], kernels: kernels)
            let pixels = shape.height * shape.width
            var input = randomFloats(shape.channels * pixels, seed: 2)
            let group = shape.groups / 2
            let inputs = shape.channels / shape.groups
            for place in group * inputs * pixels..<(group + 1) * inputs * pixels {
                input[place] = place % 2 == 0 ? .nan : .infinity
            }
            let answer = try Session(plan).run(
                Tensor(input, shape: [1, shape.channels, shape.height, shape.width])
            ).floats()
            let groupFloats = answer.count / shape.groups
            for place in answer.indices where place / groupFloats != group {
                #expect(answer[place].isFinite, "\(shape) on \(kernels.name), value \(place)")
            }
            #expect(answer[group * groupFloats..<(group + 1) * groupFloats].contains { !$0.isFinite })
        }
    }

    @Test("a residual and an activation are fused", arguments: KernelTable.available)
    func fusionKeepsTheAnswer(kernels: KernelTable) throws {
        for groups in [1, 2, 3, 6, 18] {
            let shape = ConvolutionShape(
                channels: 18, outputs: 18, height: 11, width: 21, kernel: 3, dilation: 2, padding: 2, groups: groups)
            func answer(isSpoiled: Bool) throws -> [Float] {
                let network = try SingleConvolution(shape, seed: 3, isResidual: true, isSpoiled: isSpoiled)
                let plan = try Plan(network, input: [18, 11, 21], kernels: kernels)
                return try Session(plan).run(Tensor(randomFloats(18 * 231, seed: 4), shape: [1, 18, 11, 21])).floats()
            }
            expectClose(
                try answer(isSpoiled: false), try answer(isSpoiled: true), .accumulated,
                "\(groups) groups on \(kernels.name)")
        }
    }
}

/// conv(x), or silu(conv(x) + x).
private struct SingleConvolution: Network {
    let shape: ConvolutionShape
    let conv: Conv2d
    let weight: [Float]
    let bias: [Float]
    var isResidual = false
    /// Reads every value twice, so that nothing can be fused.
    var isSpoiled = false
    var activation: Activation?

    enum Activation: CaseIterable {
        case relu
        case silu

        func reference(_ value: Double) -> Double {
            switch self {
            case .relu: Reference.relu(value)
            case .silu: Reference.silu(value)
            }
        }
    }

    init(
        _ shape: ConvolutionShape, seed: UInt64, isResidual: Bool = false, isSpoiled: Bool = false,
        activation: Activation? = nil
    ) throws {
        self.shape = shape
        self.isResidual = isResidual
        self.isSpoiled = isSpoiled
        self.activation = activation
        let dimensions: Shape = [
            shape.outputs, shape.channels / shape.groups, shape.kernel.height, shape.kernel.width,
        ]
        weight = randomFloats(dimensions.elementCount, seed: seed &* 7 &+ 1)
        bias = randomFloats(shape.outputs, seed: seed &* 7 &+ 2)
        conv = try Conv2d(
            shape.channels, shape.outputs, kernelSize: shape.kernel, stride: shape.stride, padding: shape.padding,
            dilation: shape.dilation, groups: shape.groups,
            weights: StateDict([
                ("weight", Tensor(weight, shape: dimensions)), ("bias", Tensor(bias, shape: [shape.outputs])),
            ]))
    }

    func forward(_ input: Value) -> Value {
        let value = step(conv(input))
        switch activation {
        case .relu: return ReLU()(value)
        case .silu: return SiLU()(value)
        case nil: break
        }
        return isResidual ? SiLU()(step(value + input)) : value
    }

    private func step(_ value: Value) -> Value {
        if isSpoiled { _ = Sigmoid()(value) }
        return value
    }

    /// The answer for some images in PyTorch's order, summed in Double.
    func reference(_ input: [Float], images: Int) -> [Double] {
        let (inputs, outputs) = (shape.channels / shape.groups, shape.outputs / shape.groups)
        let window = ReferenceWindow(
            channels: 1, height: shape.height, width: shape.width, kernel: (shape.kernel.height, shape.kernel.width),
            stride: (shape.stride.height, shape.stride.width),
            dilation: (shape.dilation.height, shape.dilation.width), padding: shape.padding.sides)
        let taps = shape.kernel.height * shape.kernel.width
        var answer: [Double] = []
        for image in 0..<images {
            let planes = (0..<shape.channels).map { channel in
                let first = (image * shape.channels + channel) * shape.height * shape.width
                return Array(input[first..<first + shape.height * shape.width])
            }
            for output in 0..<shape.outputs {
                let group = output / outputs
                for y in 0..<window.outputHeight {
                    for x in 0..<window.outputWidth {
                        var sum = Double(bias[output])
                        for channel in 0..<inputs {
                            let values = window.values(
                                planes[group * inputs + channel], outputY: y, outputX: x, channel: 0)
                            let filter = (output * inputs + channel) * taps
                            for (tap, value) in values.enumerated() {
                                sum += (value ?? 0) * Double(weight[filter + tap])
                            }
                        }
                        answer.append(sum)
                    }
                }
            }
        }
        return answer
    }
}

extension [Float] {
    fileprivate func transposedToNHWC(images: Int, channels: Int) -> [Float] {
        let pixels = count / images / channels
        return indices.map { index in
            let (image, place) = index.quotientAndRemainder(dividingBy: channels * pixels)
            let (pixel, channel) = place.quotientAndRemainder(dividingBy: channels)
            return self[(image * channels + channel) * pixels + pixel]
        }
    }
}

extension Padding {
    /// Top, left, bottom, right.
    fileprivate var sides: (Int, Int, Int, Int) {
        switch self {
        case .sides(let top, let bottom, let left, let right): (top, left, bottom, right)
        default: preconditionFailure("the reference needs paddings in numbers")
        }
    }
}
