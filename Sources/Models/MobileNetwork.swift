// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells timm's mobile networks apart: EfficientNets of both versions, Lite and EdgeTPU, MobileNetV2 and V3; those that timm
/// trained, and TensorFlow's, whose names begin with "tf_".
public struct MobileConfiguration: Sendable, Equatable {
    /// How the network begins, ends and is activated.
    enum Kind: Sendable {
        case efficientNet, lite, edge, version2, version2Base, mobileNetV2, mobileNetV3
    }

    /// timm's name.
    public let name: String
    let kind: Kind
    /// The stages in timm's words; a stage is of one kind of blocks, or of several.
    let stages: [[String]]
    /// Factor of the channels.
    var width = 1.0
    /// Factor of the repeats, for all stages or for each.
    var depths: [Double] = [1]
    /// Channels of the stem, and features before the classes, both before they are scaled.
    var stem = 32
    var features = 1280
    /// How photos become its input.
    let photo: PhotoPreparation

    /// Whether paddings are TensorFlow's, and the batch norms' epsilon too.
    var isTensorFlow: Bool { name.hasPrefix("tf_") }

    var style: MobileStyle {
        let activation: MobileStyle.Activation =
            switch kind {
            case .efficientNet, .version2, .version2Base: .silu
            case .lite, .mobileNetV2: .relu6
            case .edge: .relu
            case .mobileNetV3: name.contains("minimal") ? .relu : .hardSwish
            }
        return MobileStyle(activation: activation, isTensorFlow: isTensorFlow, isHard: kind == .mobileNetV3)
    }

    /// Whether the stem's and the head's channels stay, and the first and the last stage's repeats.
    private var isFixed: Bool {
        kind == .lite || (kind == .mobileNetV2 && name.hasSuffix("d"))
    }

    /// Channels scaled by the width factor.
    func channels(_ base: Int) -> Int {
        MobileBlock.divisible(Double(base) * width, limit: kind == .version2Base ? 0 : 0.9)
    }

    var stemChannels: Int {
        isFixed || (kind == .mobileNetV3 && width < 0.75) ? stem : channels(stem)
    }

    var headFeatures: Int {
        switch kind {
        case .mobileNetV3: features
        case .mobileNetV2: isFixed ? features : max(features, channels(features))
        case .lite: features
        default: channels(features)
        }
    }

    /// The blocks of a stage, each as often as it stands behind itself.
    func blocks(ofStage stage: Int) -> [MobileBlocks] {
        var blocks = stages[stage].map(MobileBlocks.init)
        let isEnd = stage == 0 || stage == stages.count - 1
        let depth = isFixed && isEnd ? 1 : depths.count == 1 ? depths[0] : depths[stage]
        var count = blocks.reduce(0) { $0 + $1.repeats }
        var scaled = Int((Double(count) * depth).rounded(.up))
        for index in blocks.indices.reversed() {
            if blocks[index].forcedChannels > 0 {
                blocks[index].forcedChannels = channels(blocks[index].forcedChannels)
            }
            let old = blocks[index].repeats
            blocks[index].repeats = max(
                1, Int((Double(old) / Double(count) * Double(scaled)).rounded(.toNearestOrEven)))
            count -= old
            scaled -= blocks[index].repeats
        }
        return blocks
    }
}

/// A stem, stages of mobile blocks, and a head.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: `timm.models.efficientnet`, `timm.models.mobilenetv3`.
struct MobileNetwork: Network {
    /// What stands between the blocks and the classes.
    private enum Head {
        /// A convolution over the image, then the means.
        case convolution(ConvolutionNorm)
        /// The means, then a product of them: MobileNetV3.
        case product(Conv2d)
    }

    let style: MobileStyle
    let stem: ConvolutionNorm
    let blocks: [MobileBlock]
    private let head: Head
    let classifier: Linear

    init(_ configuration: MobileConfiguration, classes: Int, _ weights: StateDict) throws {
        style = configuration.style
        stem = try style.convolution(
            3, configuration.stemChannels, kernel: 3, stride: 2, weights["conv_stem"], norm: weights["bn1"])
        var inChannels = configuration.stemChannels
        var blocks: [MobileBlock] = []
        for stage in configuration.stages.indices {
            var place = 0
            let weights = weights["blocks"]["\(stage)"]
            for kind in configuration.blocks(ofStage: stage) {
                let outChannels = configuration.channels(kind.channels)
                for _ in 0..<kind.repeats {
                    // Only the first block of a stage has its stride.
                    blocks.append(
                        try MobileBlock(
                            kind, inChannels: inChannels, outChannels: outChannels,
                            stride: place == 0 ? kind.stride : 1,
                            style, weights["\(place)"]))
                    inChannels = outChannels
                    place += 1
                }
            }
        }
        self.blocks = blocks
        let features = configuration.headFeatures
        head =
            configuration.kind == .mobileNetV3
            ? .product(try Conv2d(inChannels, features, kernelSize: 1, weights: weights["conv_head"]))
            : .convolution(
                try style.convolution(inChannels, features, kernel: 1, weights["conv_head"], norm: weights["bn2"]))
        classifier = try Linear(features, classes, weights: weights["classifier"])
    }

    func forward(_ input: Value) -> Value {
        var x = style.activation(stem(input))
        for block in blocks { x = block(x) }
        switch head {
        case .convolution(let convolution): x = AdaptiveAvgPool2d(1)(style.activation(convolution(x)))
        case .product(let product): x = style.activation(product(AdaptiveAvgPool2d(1)(x)))
        }
        return classifier(Flatten()(x))
    }
}
