// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the members of the ResNet family apart.
public struct ResNetConfiguration: Sendable, Equatable {
    /// For example "resnet18".
    public let name: String
    /// Blocks of each of the four stages.
    let blocks: [Int]
    /// Whether blocks are of three convolutions, 1x1, 3x3 and 1x1, rather than of two.
    let isBottleneck: Bool
    /// Groups of the 3x3 convolutions, and the channels of a group in the first stage.
    var groups = 1
    var groupWidth = 64
    /// Whether the stem is three 3x3 convolutions, and shortcuts are halved by means: timm's "d".
    var isD = false

    /// The family: ResNet, ResNeXt and Wide ResNet, and timm's ResNet-D.
    ///
    /// - Source: `torchvision.models.resnet`; timm's models of the same names have the same keys.
    public static let all: [ResNetConfiguration] = [
        ResNetConfiguration(name: "resnet18", blocks: [2, 2, 2, 2], isBottleneck: false),
        ResNetConfiguration(name: "resnet34", blocks: [3, 4, 6, 3], isBottleneck: false),
        ResNetConfiguration(name: "resnet50", blocks: [3, 4, 6, 3], isBottleneck: true),
        ResNetConfiguration(name: "resnet101", blocks: [3, 4, 23, 3], isBottleneck: true),
        ResNetConfiguration(name: "resnet152", blocks: [3, 8, 36, 3], isBottleneck: true),
        ResNetConfiguration(
            name: "resnext50_32x4d", blocks: [3, 4, 6, 3], isBottleneck: true, groups: 32, groupWidth: 4),
        ResNetConfiguration(
            name: "resnext101_32x8d", blocks: [3, 4, 23, 3], isBottleneck: true, groups: 32, groupWidth: 8),
        ResNetConfiguration(
            name: "resnext101_64x4d", blocks: [3, 4, 23, 3], isBottleneck: true, groups: 64, groupWidth: 4),
        ResNetConfiguration(name: "wide_resnet50_2", blocks: [3, 4, 6, 3], isBottleneck: true, groupWidth: 128),
        ResNetConfiguration(name: "wide_resnet101_2", blocks: [3, 4, 23, 3], isBottleneck: true, groupWidth: 128),
        ResNetConfiguration(name: "resnet26", blocks: [2, 2, 2, 2], isBottleneck: true),
        ResNetConfiguration(name: "resnet18d", blocks: [2, 2, 2, 2], isBottleneck: false, isD: true),
        ResNetConfiguration(name: "resnet26d", blocks: [2, 2, 2, 2], isBottleneck: true, isD: true),
        ResNetConfiguration(name: "resnet34d", blocks: [3, 4, 6, 3], isBottleneck: false, isD: true),
        ResNetConfiguration(name: "resnet50d", blocks: [3, 4, 6, 3], isBottleneck: true, isD: true),
        ResNetConfiguration(name: "resnet101d", blocks: [3, 4, 23, 3], isBottleneck: true, isD: true),
        ResNetConfiguration(name: "resnet152d", blocks: [3, 8, 36, 3], isBottleneck: true, isD: true),
        ResNetConfiguration(name: "resnet200d", blocks: [3, 24, 36, 3], isBottleneck: true, isD: true),
    ]

    /// Channels that a block of a stage gives, for each of its planes.
    var expansion: Int { isBottleneck ? 4 : 1 }
}

/// Residual networks.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: He et al., "Deep Residual Learning for Image Recognition".
struct ResNet: Network {
    let stem: [ConvolutionNorm]
    let stages: [[ResNetBlock]]
    let fc: Linear

    init(_ configuration: ResNetConfiguration, classes: Int, _ weights: StateDict) throws {
        let conv1 = weights["conv1"]
        stem =
            configuration.isD
            ? [
                try ConvolutionNorm(
                    3, 32, kernelSize: 3, stride: 2, padding: 1, weights: conv1["0"], norm: conv1["1"]),
                try ConvolutionNorm(32, 32, kernelSize: 3, padding: 1, weights: conv1["3"], norm: conv1["4"]),
                try ConvolutionNorm(32, 64, kernelSize: 3, padding: 1, weights: conv1["6"], norm: weights["bn1"]),
            ]
            : [
                try ConvolutionNorm(
                    3, 64, kernelSize: 7, stride: 2, padding: 3, weights: conv1, norm: weights["bn1"])
            ]
        var inChannels = 64
        stages = try configuration.blocks.enumerated().map { stage, count in
            let planes = 64 << stage
            return try (0..<count).map { index in
                let block = try ResNetBlock(
                    configuration, inChannels: inChannels, planes: planes, stride: stage > 0 && index == 0 ? 2 : 1,
                    weights["layer\(stage + 1)"]["\(index)"])
                inChannels = planes * configuration.expansion
                return block
            }
        }
        fc = try Linear(inChannels, classes, weights: weights["fc"])
    }

    func forward(_ input: Value) -> Value {
        var x = input
        for convolution in stem { x = ReLU()(convolution(x)) }
        x = MaxPool2d(3, stride: 2, padding: 1)(x)
        for block in stages.joined() { x = block(x) }
        return fc(Flatten()(AdaptiveAvgPool2d(1)(x)))
    }
}

/// relu(convolutions(x) + x), or with a 1x1 convolution of x where the sizes differ.
struct ResNetBlock: Layer {
    let convolutions: [ConvolutionNorm]
    let downsample: ConvolutionNorm?
    /// Whether the shortcut takes means of 2x2 before its convolution.
    let halvesByMeans: Bool

    init(
        _ configuration: ResNetConfiguration, inChannels: Int, planes: Int, stride: Int, _ weights: StateDict
    ) throws {
        let outChannels = planes * configuration.expansion
        if configuration.isBottleneck {
            let width = planes * configuration.groupWidth / 64 * configuration.groups
            convolutions = [
                try ConvolutionNorm(inChannels, width, kernelSize: 1, weights: weights["conv1"], norm: weights["bn1"]),
                try ConvolutionNorm(
                    width, width, kernelSize: 3, stride: Size2d(integerLiteral: stride), padding: 1,
                    groups: configuration.groups, weights: weights["conv2"], norm: weights["bn2"]),
                try ConvolutionNorm(width, outChannels, kernelSize: 1, weights: weights["conv3"], norm: weights["bn3"]),
            ]
        } else {
            convolutions = [
                try ConvolutionNorm(
                    inChannels, planes, kernelSize: 3, stride: Size2d(integerLiteral: stride), padding: 1,
                    weights: weights["conv1"], norm: weights["bn1"]),
                try ConvolutionNorm(
                    planes, planes, kernelSize: 3, padding: 1, weights: weights["conv2"], norm: weights["bn2"]),
            ]
        }
        halvesByMeans = configuration.isD && stride == 2
        let first = configuration.isD ? 1 : 0
        downsample =
            stride == 1 && inChannels == outChannels
            ? nil
            : try ConvolutionNorm(
                inChannels, outChannels, kernelSize: 1, stride: configuration.isD ? 1 : Size2d(integerLiteral: stride),
                weights: weights["downsample"]["\(first)"], norm: weights["downsample"]["\(first + 1)"])
    }

    func callAsFunction(_ input: Value) -> Value {
        var x = input
        for convolution in convolutions.dropLast() { x = ReLU()(convolution(x)) }
        if let last = convolutions.last { x = last(x) }
        let shortcut =
            halvesByMeans ? AvgPool2d(2, stride: 2, ceilMode: true, countIncludePad: false)(input) : input
        return ReLU()(x + (downsample?(shortcut) ?? shortcut))
    }
}
