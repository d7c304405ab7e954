// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the two MobileNetV3 apart.
public struct MobileNetV3Configuration: Sendable, Equatable {
    /// One inverted residual.
    struct Block: Sendable, Equatable {
        let inChannels: Int
        let kernel: Int
        let expanded: Int
        let outChannels: Int
        let squeezes: Bool
        let isHard: Bool
        let stride: Int

        init(_ inChannels: Int, _ kernel: Int, _ expanded: Int, _ outChannels: Int, _ marks: String, _ stride: Int) {
            self.inChannels = inChannels
            self.kernel = kernel
            self.expanded = expanded
            self.outChannels = outChannels
            squeezes = marks.hasPrefix("S")
            isHard = marks.hasSuffix("H")
            self.stride = stride
        }
    }

    /// "mobilenet_v3_large" or "mobilenet_v3_small".
    public let name: String
    let blocks: [Block]
    /// Features before the classes.
    let hidden: Int

    /// Both.
    ///
    /// - Source: `torchvision.models.mobilenetv3`. "S" squeezes and excites, "H" has HardSwish, "R" ReLU.
    public static let all: [MobileNetV3Configuration] = [
        MobileNetV3Configuration(
            name: "mobilenet_v3_large",
            blocks: [
                Block(16, 3, 16, 16, "R", 1), Block(16, 3, 64, 24, "R", 2), Block(24, 3, 72, 24, "R", 1),
                Block(24, 5, 72, 40, "SR", 2), Block(40, 5, 120, 40, "SR", 1), Block(40, 5, 120, 40, "SR", 1),
                Block(40, 3, 240, 80, "H", 2), Block(80, 3, 200, 80, "H", 1), Block(80, 3, 184, 80, "H", 1),
                Block(80, 3, 184, 80, "H", 1), Block(80, 3, 480, 112, "SH", 1), Block(112, 3, 672, 112, "SH", 1),
                Block(112, 5, 672, 160, "SH", 2), Block(160, 5, 960, 160, "SH", 1), Block(160, 5, 960, 160, "SH", 1),
            ], hidden: 1280),
        MobileNetV3Configuration(
            name: "mobilenet_v3_small",
            blocks: [
                Block(16, 3, 16, 16, "SR", 2), Block(16, 3, 72, 24, "R", 2), Block(24, 3, 88, 24, "R", 1),
                Block(24, 5, 96, 40, "SH", 2), Block(40, 5, 240, 40, "SH", 1), Block(40, 5, 240, 40, "SH", 1),
                Block(40, 5, 120, 48, "SH", 1), Block(48, 5, 144, 48, "SH", 1), Block(48, 5, 288, 96, "SH", 2),
                Block(96, 5, 576, 96, "SH", 1), Block(96, 5, 576, 96, "SH", 1),
            ], hidden: 1024),
    ]
}

/// Inverted residuals with hard activations, some of which squeeze and excite.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: Howard et al., "Searching for MobileNetV3".
struct MobileNetV3: Network {
    let stem: ConvolutionNorm
    let blocks: [MobileNetV3Block]
    let last: ConvolutionNorm
    let hidden: Linear
    let classifier: Linear

    init(_ configuration: MobileNetV3Configuration, classes: Int, _ weights: StateDict) throws {
        let features = weights["features"]
        let first = features["0"]
        stem = try ConvolutionNorm(
            3, 16, kernelSize: 3, stride: 2, padding: 1, eps: 1e-3, weights: first["0"], norm: first["1"])
        blocks = try configuration.blocks.enumerated().map { index, block in
            try MobileNetV3Block(block, features["\(index + 1)"]["block"])
        }
        let inChannels = configuration.blocks[configuration.blocks.count - 1].outChannels
        let end = features["\(blocks.count + 1)"]
        last = try ConvolutionNorm(
            inChannels, 6 * inChannels, kernelSize: 1, eps: 1e-3, weights: end["0"], norm: end["1"])
        hidden = try Linear(6 * inChannels, configuration.hidden, weights: weights["classifier"]["0"])
        classifier = try Linear(configuration.hidden, classes, weights: weights["classifier"]["3"])
    }

    func forward(_ input: Value) -> Value {
        var x = HardSwish()(stem(input))
        for block in blocks { x = block(x) }
        x = Flatten()(AdaptiveAvgPool2d(1)(HardSwish()(last(x))))
        return classifier(HardSwish()(hidden(x)))
    }
}

/// Expand, filter each channel, squeeze and excite, project back.
struct MobileNetV3Block: Layer {
    let expand: ConvolutionNorm?
    let depthwise: ConvolutionNorm
    let excitation: (reduce: Conv2d, expand: Conv2d)?
    let project: ConvolutionNorm
    let isHard: Bool
    let hasResidual: Bool

    init(_ block: MobileNetV3Configuration.Block, _ weights: StateDict) throws {
        var part = 0
        func next() -> StateDict {
            defer { part += 1 }
            return weights["\(part)"]
        }
        func convolution(
            _ inChannels: Int, _ outChannels: Int, kernel: Int, stride: Int = 1, groups: Int = 1
        ) throws -> ConvolutionNorm {
            let weights = next()
            return try ConvolutionNorm(
                inChannels, outChannels, kernelSize: Size2d(integerLiteral: kernel),
                stride: Size2d(integerLiteral: stride), padding: Padding(integerLiteral: (kernel - 1) / 2),
                groups: groups, eps: 1e-3, weights: weights["0"], norm: weights["1"])
        }
        expand =
            block.expanded == block.inChannels
            ? nil : try convolution(block.inChannels, block.expanded, kernel: 1)
        depthwise = try convolution(
            block.expanded, block.expanded, kernel: block.kernel, stride: block.stride, groups: block.expanded)
        if block.squeezes {
            let weights = next()
            let squeezed = Self.divisible(block.expanded / 4)
            excitation = (
                try Conv2d(block.expanded, squeezed, kernelSize: 1, weights: weights["fc1"]),
                try Conv2d(squeezed, block.expanded, kernelSize: 1, weights: weights["fc2"])
            )
        } else {
            excitation = nil
        }
        project = try convolution(block.expanded, block.outChannels, kernel: 1)
        isHard = block.isHard
        hasResidual = block.stride == 1 && block.inChannels == block.outChannels
    }

    /// The nearest multiple of 8 that is not smaller by more than a tenth.
    private static func divisible(_ channels: Int) -> Int {
        let rounded = max(8, (channels + 4) / 8 * 8)
        return 10 * rounded < 9 * channels ? rounded + 8 : rounded
    }

    func callAsFunction(_ input: Value) -> Value {
        func activated(_ x: Value) -> Value { isHard ? HardSwish()(x) : ReLU()(x) }
        var x = input
        if let expand { x = activated(expand(x)) }
        x = activated(depthwise(x))
        if let (reduce, expand) = excitation {
            x = x * HardSigmoid()(expand(ReLU()(reduce(AdaptiveAvgPool2d(1)(x)))))
        }
        x = project(x)
        return hasResidual ? x + input : x
    }
}
