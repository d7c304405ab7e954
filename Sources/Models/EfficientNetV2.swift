// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the EfficientNetV2 apart.
public struct EfficientNetV2Configuration: Sendable, Equatable {
    /// Blocks of one kind behind each other.
    struct Stage: Sendable, Equatable {
        /// Whether one 3x3 convolution expands the channels in place of a 1x1 and a depthwise one.
        let isFused: Bool
        let expansion: Int
        let stride: Int
        let inChannels: Int
        let outChannels: Int
        let count: Int

        init(_ isFused: Bool, _ expansion: Int, _ stride: Int, _ inChannels: Int, _ outChannels: Int, _ count: Int) {
            self.isFused = isFused
            self.expansion = expansion
            self.stride = stride
            self.inChannels = inChannels
            self.outChannels = outChannels
            self.count = count
        }
    }

    /// For example "efficientnet_v2_s".
    public let name: String
    let stages: [Stage]
    /// How photos become its input.
    let photo: PhotoPreparation

    /// The family.
    ///
    /// - Source: `torchvision.models.efficientnet`.
    public static let all: [EfficientNetV2Configuration] = [
        EfficientNetV2Configuration(
            name: "efficientnet_v2_s",
            stages: [
                Stage(true, 1, 1, 24, 24, 2), Stage(true, 4, 2, 24, 48, 4), Stage(true, 4, 2, 48, 64, 4),
                Stage(false, 4, 2, 64, 128, 6), Stage(false, 6, 1, 128, 160, 9), Stage(false, 6, 2, 160, 256, 15),
            ], photo: .imageNet(384, shortSide: 384)),
        EfficientNetV2Configuration(
            name: "efficientnet_v2_m",
            stages: [
                Stage(true, 1, 1, 24, 24, 3), Stage(true, 4, 2, 24, 48, 5), Stage(true, 4, 2, 48, 80, 5),
                Stage(false, 4, 2, 80, 160, 7), Stage(false, 6, 1, 160, 176, 14), Stage(false, 6, 2, 176, 304, 18),
                Stage(false, 6, 1, 304, 512, 5),
            ], photo: .imageNet(480, shortSide: 480)),
        EfficientNetV2Configuration(
            name: "efficientnet_v2_l",
            stages: [
                Stage(true, 1, 1, 32, 32, 4), Stage(true, 4, 2, 32, 64, 7), Stage(true, 4, 2, 64, 96, 7),
                Stage(false, 4, 2, 96, 192, 10), Stage(false, 6, 1, 192, 224, 19), Stage(false, 6, 2, 224, 384, 25),
                Stage(false, 6, 1, 384, 640, 7),
            ], photo: .halves(480, shortSide: 480)),
    ]
}

/// EfficientNets whose first stages have full convolutions.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: Tan and Le, "EfficientNetV2: Smaller Models and Faster Training".
struct EfficientNetV2: Network {
    let stem: ConvolutionNorm
    let blocks: [any Layer]
    let head: ConvolutionNorm
    let classifier: Linear

    init(_ configuration: EfficientNetV2Configuration, classes: Int, _ weights: StateDict) throws {
        let features = weights["features"]
        let stages = configuration.stages
        stem = try Self.convolution(3, stages[0].inChannels, kernel: 3, stride: 2, features["0"])
        var blocks: [any Layer] = []
        for (number, stage) in stages.enumerated() {
            for index in 0..<stage.count {
                let inChannels = index == 0 ? stage.inChannels : stage.outChannels
                let stride = index == 0 ? stage.stride : 1
                let weights = features["\(number + 1)"]["\(index)"]["block"]
                blocks.append(
                    try stage.isFused
                        ? FusedMBConvBlock(stage, inChannels: inChannels, stride: stride, weights)
                        : Self.block(stage, inChannels: inChannels, stride: stride, weights))
            }
        }
        self.blocks = blocks
        let last = stages[stages.count - 1].outChannels
        head = try Self.convolution(last, 1280, kernel: 1, features["\(stages.count + 1)"])
        classifier = try Linear(1280, classes, weights: weights["classifier"]["1"])
    }

    static func convolution(
        _ inChannels: Int, _ outChannels: Int, kernel: Int, stride: Int = 1, groups: Int = 1, _ weights: StateDict
    ) throws -> ConvolutionNorm {
        try ConvolutionNorm(
            inChannels, outChannels, kernelSize: Size2d(integerLiteral: kernel), stride: Size2d(integerLiteral: stride),
            padding: Padding(integerLiteral: (kernel - 1) / 2), groups: groups, eps: 1e-3, weights: weights["0"],
            norm: weights["1"])
    }

    private static func block(
        _ stage: EfficientNetV2Configuration.Stage, inChannels: Int, stride: Int, _ weights: StateDict
    ) throws -> MBConvBlock {
        let expanded = inChannels * stage.expansion
        let squeezed = max(1, inChannels / 4)
        return MBConvBlock(
            expand: try convolution(inChannels, expanded, kernel: 1, weights["0"]),
            depthwise: try convolution(expanded, expanded, kernel: 3, stride: stride, groups: expanded, weights["1"]),
            squeezeExcitation: SqueezeExcitation(
                reduce: try Conv2d(expanded, squeezed, kernelSize: 1, weights: weights["2"]["fc1"]),
                expand: try Conv2d(squeezed, expanded, kernelSize: 1, weights: weights["2"]["fc2"])),
            project: try convolution(expanded, stage.outChannels, kernel: 1, weights["3"]),
            hasResidual: stride == 1 && inChannels == stage.outChannels)
    }

    func forward(_ input: Value) -> Value {
        var x = SiLU()(stem(input))
        for block in blocks { x = block(x) }
        return classifier(Flatten()(AdaptiveAvgPool2d(1)(SiLU()(head(x)))))
    }
}

/// A 3x3 convolution that expands the channels, and one that projects them back; only the first where nothing is expanded.
struct FusedMBConvBlock: Layer {
    let expand: ConvolutionNorm
    let project: ConvolutionNorm?
    let hasResidual: Bool

    init(
        _ stage: EfficientNetV2Configuration.Stage, inChannels: Int, stride: Int, _ weights: StateDict
    ) throws {
        let expanded = stage.expansion == 1 ? stage.outChannels : inChannels * stage.expansion
        expand = try EfficientNetV2.convolution(inChannels, expanded, kernel: 3, stride: stride, weights["0"])
        project =
            stage.expansion == 1
            ? nil : try EfficientNetV2.convolution(expanded, stage.outChannels, kernel: 1, weights["1"])
        hasResidual = stride == 1 && inChannels == stage.outChannels
    }

    func callAsFunction(_ input: Value) -> Value {
        var x = SiLU()(expand(input))
        if let project { x = project(x) }
        return hasResidual ? x + input : x
    }
}
