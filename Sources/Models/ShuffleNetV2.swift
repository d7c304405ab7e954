// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the members of the ShuffleNetV2 family apart.
public struct ShuffleNetV2Configuration: Sendable, Equatable {
    /// For example "shufflenet_v2_x1_0".
    public let name: String
    /// Channels that the three stages and the last convolution give.
    let channels: [Int]
    /// The length that a photo's shorter side is brought to.
    let shortSide: Int

    /// The family.
    ///
    /// - Source: `torchvision.models.shufflenetv2`.
    public static let all: [ShuffleNetV2Configuration] = [
        ShuffleNetV2Configuration(name: "shufflenet_v2_x0_5", channels: [48, 96, 192, 1024], shortSide: 256),
        ShuffleNetV2Configuration(name: "shufflenet_v2_x1_0", channels: [116, 232, 464, 1024], shortSide: 256),
        ShuffleNetV2Configuration(name: "shufflenet_v2_x1_5", channels: [176, 352, 704, 1024], shortSide: 232),
        ShuffleNetV2Configuration(name: "shufflenet_v2_x2_0", channels: [244, 488, 976, 2048], shortSide: 232),
    ]
}

/// Blocks that filter half of the channels and mix them with the others.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design".
struct ShuffleNetV2: Network {
    let stem: ConvolutionNorm
    let blocks: [ShuffleNetV2Block]
    let last: ConvolutionNorm
    let fc: Linear

    init(_ configuration: ShuffleNetV2Configuration, classes: Int, _ weights: StateDict) throws {
        let (first, end) = (weights["conv1"], weights["conv5"])
        stem = try ConvolutionNorm(3, 24, kernelSize: 3, stride: 2, padding: 1, weights: first["0"], norm: first["1"])
        var blocks: [ShuffleNetV2Block] = []
        var inChannels = 24
        for (stage, count) in [4, 8, 4].enumerated() {
            for index in 0..<count {
                let outChannels = configuration.channels[stage]
                blocks.append(
                    try ShuffleNetV2Block(
                        inChannels, outChannels, isFirst: index == 0, weights["stage\(stage + 2)"]["\(index)"]))
                inChannels = outChannels
            }
        }
        self.blocks = blocks
        let features = configuration.channels[3]
        last = try ConvolutionNorm(inChannels, features, kernelSize: 1, weights: end["0"], norm: end["1"])
        fc = try Linear(features, classes, weights: weights["fc"])
    }

    func forward(_ input: Value) -> Value {
        var x = MaxPool2d(3, stride: 2, padding: 1)(ReLU()(stem(input)))
        for block in blocks { x = block(x) }
        return fc(Flatten()(AdaptiveAvgPool2d(1)(ReLU()(last(x)))))
    }
}

/// Filters half of the channels, or, as a stage's first block, all of them twice at half the size; then shuffles.
struct ShuffleNetV2Block: Layer {
    /// Depthwise, then 1x1: only a stage's first block has them.
    let shortcut: (depthwise: ConvolutionNorm, project: ConvolutionNorm)?
    let expand: ConvolutionNorm
    let depthwise: ConvolutionNorm
    let project: ConvolutionNorm

    init(_ inChannels: Int, _ outChannels: Int, isFirst: Bool, _ weights: StateDict) throws {
        let half = outChannels / 2
        let stride: Size2d = isFirst ? 2 : 1
        func depthwise(_ channels: Int, _ weights: StateDict, _ number: Int) throws -> ConvolutionNorm {
            try ConvolutionNorm(
                channels, channels, kernelSize: 3, stride: stride, padding: 1, groups: channels,
                weights: weights["\(number)"], norm: weights["\(number + 1)"])
        }
        func pointwise(_ inChannels: Int, _ weights: StateDict, _ number: Int) throws -> ConvolutionNorm {
            try ConvolutionNorm(
                inChannels, half, kernelSize: 1, weights: weights["\(number)"], norm: weights["\(number + 1)"])
        }
        let (left, right) = (weights["branch1"], weights["branch2"])
        shortcut = isFirst ? (try depthwise(inChannels, left, 0), try pointwise(inChannels, left, 2)) : nil
        expand = try pointwise(isFirst ? inChannels : half, right, 0)
        self.depthwise = try depthwise(half, right, 3)
        project = try pointwise(half, right, 5)
    }

    func callAsFunction(_ input: Value) -> Value {
        func filtered(_ x: Value) -> Value { ReLU()(project(depthwise(ReLU()(expand(x))))) }
        let joined: Value
        if let shortcut {
            joined = ReLU()(shortcut.project(shortcut.depthwise(input))).concatenated(with: filtered(input))
        } else {
            let channels = input.shape[0]
            let kept = input.narrowed(axis: 0, to: 0..<(channels / 2))
            joined = kept.concatenated(with: filtered(input.narrowed(axis: 0, to: (channels / 2)..<channels)))
        }
        return ChannelShuffle(2)(joined)
    }
}
