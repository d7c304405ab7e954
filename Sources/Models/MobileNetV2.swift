// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// Inverted residuals with linear bottlenecks.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: `torchvision.models.mobilenet_v2`; Sandler et al., "MobileNetV2".
struct MobileNetV2: Network {
    let stem: ConvolutionNorm
    let blocks: [InvertedResidual]
    let head: ConvolutionNorm
    let classifier: Linear

    /// Expansion, channels, blocks and first stride of each stage.
    private static let stages = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]

    init(classes: Int, _ weights: StateDict) throws {
        let features = weights["features"]
        stem = try ConvolutionNorm(
            3, 32, kernelSize: 3, stride: 2, padding: 1, weights: features["0"]["0"], norm: features["0"]["1"])
        var blocks: [InvertedResidual] = []
        var inChannels = 32
        for (expansion, channels, count, stride) in Self.stages {
            for index in 0..<count {
                blocks.append(
                    try InvertedResidual(
                        inChannels, channels, stride: index == 0 ? stride : 1, expansion: expansion,
                        features["\(blocks.count + 1)"]["conv"]))
                inChannels = channels
            }
        }
        self.blocks = blocks
        let last = features["\(blocks.count + 1)"]
        head = try ConvolutionNorm(inChannels, 1280, kernelSize: 1, weights: last["0"], norm: last["1"])
        classifier = try Linear(1280, classes, weights: weights["classifier"]["1"])
    }

    func forward(_ input: Value) -> Value {
        var x = ReLU6()(stem(input))
        for block in blocks { x = block(x) }
        return classifier(Flatten()(AdaptiveAvgPool2d(1)(ReLU6()(head(x)))))
    }
}

/// Expand the channels, filter each, project back; what came in is added where the sizes are the same.
struct InvertedResidual: Layer {
    let expand: ConvolutionNorm?
    let depthwise: ConvolutionNorm
    let project: ConvolutionNorm
    let hasResidual: Bool

    init(_ inChannels: Int, _ outChannels: Int, stride: Int, expansion: Int, _ weights: StateDict) throws {
        let hidden = inChannels * expansion
        let first = expansion == 1 ? 0 : 1
        expand =
            expansion == 1
            ? nil
            : try ConvolutionNorm(
                inChannels, hidden, kernelSize: 1, weights: weights["0"]["0"], norm: weights["0"]["1"])
        depthwise = try ConvolutionNorm(
            hidden, hidden, kernelSize: 3, stride: Size2d(integerLiteral: stride), padding: 1, groups: hidden,
            weights: weights["\(first)"]["0"], norm: weights["\(first)"]["1"])
        project = try ConvolutionNorm(
            hidden, outChannels, kernelSize: 1, weights: weights["\(first + 1)"], norm: weights["\(first + 2)"])
        hasResidual = stride == 1 && inChannels == outChannels
    }

    func callAsFunction(_ input: Value) -> Value {
        var x = input
        if let expand { x = ReLU6()(expand(x)) }
        x = project(ReLU6()(depthwise(x)))
        return hasResidual ? x + input : x
    }
}
