// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the members of the ConvNeXt family apart.
public struct ConvNeXtConfiguration: Sendable, Equatable {
    /// Whose names the weights have.
    public enum Family: Sendable {
        case torchvision
        case timm
    }

    /// For example "convnext_tiny".
    public let name: String
    /// Whose names the weights have.
    public let family: Family
    /// Blocks of each stage.
    let depths: [Int]
    /// Channels of each stage.
    let widths: [Int]
    /// Whether the blocks' products are 1x1 convolutions rather than linear layers: the same numbers in another shape.
    var hasConvolutions = false
    /// Whether blocks normalise responses in place of scaling the channels: version 2.
    var isV2 = false
    /// Added to the variances.
    var eps: Float = 1e-6
    /// How photos become its input.
    let photo: PhotoPreparation

    /// torchvision's.
    ///
    /// - Source: `torchvision.models.convnext`.
    public static let torchvision: [ConvNeXtConfiguration] = [
        ("convnext_tiny", tiny, 96, 236), ("convnext_small", small, 96, 230), ("convnext_base", small, 128, 232),
        ("convnext_large", small, 192, 232),
    ].map { name, depths, width, shortSide in
        ConvNeXtConfiguration(
            name: name, family: .torchvision, depths: depths, widths: (0..<4).map { width << $0 },
            photo: .imageNet(224, shortSide: shortSide))
    }

    /// timm's, of both versions.
    ///
    /// - Source: `timm.models.convnext`.
    public static let timm: [ConvNeXtConfiguration] =
        [
            ("convnext_atto", atto, 40, 256, true), ("convnext_femto", atto, 48, 256, true),
            ("convnext_pico", atto, 64, 256, true), ("convnext_nano", [2, 2, 8, 2], 80, 235, true),
            ("convnext_tiny", tiny, 96, 235, false), ("convnext_small", small, 96, 235, false),
            ("convnext_base", small, 128, 256, false), ("convnext_large", small, 192, 256, false),
            ("convnext_xlarge", small, 256, 256, false),
            ("convnextv2_atto", atto, 40, 256, true), ("convnextv2_femto", atto, 48, 256, true),
            ("convnextv2_pico", atto, 64, 256, true), ("convnextv2_nano", [2, 2, 8, 2], 80, 256, true),
            ("convnextv2_tiny", tiny, 96, 256, false), ("convnextv2_small", small, 96, 256, false),
            ("convnextv2_base", small, 128, 256, false), ("convnextv2_large", small, 192, 256, false),
        ].map { name, depths, width, shortSide, hasConvolutions in
            ConvNeXtConfiguration(
                name: name, family: .timm, depths: depths, widths: (0..<4).map { width << $0 },
                hasConvolutions: hasConvolutions, isV2: name.hasPrefix("convnextv2"),
                photo: .imageNet(224, shortSide: shortSide, isBicubic: true))
        } + [
            ConvNeXtConfiguration(
                name: "convnextv2_huge", family: .timm, depths: small, widths: (0..<4).map { 352 << $0 }, isV2: true,
                photo: .imageNet(384, shortSide: nil, isBicubic: true)),
            ConvNeXtConfiguration(
                name: "convnext_xxlarge", family: .timm, depths: [3, 4, 30, 3], widths: (0..<4).map { 384 << $0 },
                eps: 1e-5, photo: .clip(256, shortSide: 256)),
        ]

    private static let atto = [2, 2, 6, 2]
    private static let tiny = [3, 3, 9, 3]
    private static let small = [3, 3, 27, 3]
}

/// Depthwise convolutions of 7x7 and products of each pixel's channels, with layer norms.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: Liu et al., "A ConvNet for the 2020s"; Woo et al., "ConvNeXt V2".
struct ConvNeXt: Network {
    let stem: Conv2d
    let stemNorm: LayerNorm2d
    let stages: [(downsample: (norm: LayerNorm2d, convolution: Conv2d)?, blocks: [ConvNeXtBlock])]
    let norm: LayerNorm2d
    let classifier: Linear

    init(_ configuration: ConvNeXtConfiguration, classes: Int, _ weights: StateDict) throws {
        let isTimm = configuration.family == .timm
        let (widths, eps) = (configuration.widths, configuration.eps)
        let features = weights["features"]
        let first = isTimm ? weights["stem"] : features["0"]
        stem = try Conv2d(3, widths[0], kernelSize: 4, stride: 4, weights: first["0"])
        stemNorm = try LayerNorm2d(widths[0], eps: eps, weights: first["1"])
        stages = try configuration.depths.enumerated().map { stage, count in
            let width = widths[stage]
            let blocks = isTimm ? weights["stages"]["\(stage)"] : features["\(2 * stage + 1)"]
            var downsample: (LayerNorm2d, Conv2d)?
            if stage > 0 {
                let weights = isTimm ? blocks["downsample"] : features["\(2 * stage)"]
                downsample = (
                    try LayerNorm2d(widths[stage - 1], eps: eps, weights: weights["0"]),
                    try Conv2d(widths[stage - 1], width, kernelSize: 2, stride: 2, weights: weights["1"])
                )
            }
            return (
                downsample,
                try (0..<count).map { index in
                    try isTimm
                        ? ConvNeXtBlock(timm: blocks["blocks"]["\(index)"], width: width, configuration)
                        : ConvNeXtBlock(torchvision: blocks["\(index)"], width: width, eps: eps)
                }
            )
        }
        let head = weights[isTimm ? "head" : "classifier"]
        norm = try LayerNorm2d(widths[3], eps: eps, weights: head[isTimm ? "norm" : "0"])
        classifier = try Linear(widths[3], classes, weights: head[isTimm ? "fc" : "2"])
    }

    func forward(_ input: Value) -> Value {
        var x = stemNorm(stem(input))
        for (downsample, blocks) in stages {
            if let (norm, convolution) = downsample { x = convolution(norm(x)) }
            for block in blocks { x = block(x) }
        }
        return classifier(Flatten()(norm(AdaptiveAvgPool2d(1)(x))))
    }
}

/// Filter each channel, normalise each pixel, expand its channels fourfold and project them back; all added to the input.
struct ConvNeXtBlock: Layer {
    /// The two products, by either kind of layer.
    private enum Products {
        case linear(Linear, Linear)
        case convolutions(Conv2d, Conv2d)
    }

    let depthwise: Conv2d
    let norm: LayerNorm
    private let products: Products
    let response: GlobalResponseNorm?
    let scale: Parameter?
    /// Whether the factors of channels stand as an image's, [C, 1, 1].
    let isScaleOfImage: Bool

    init(torchvision weights: StateDict, width: Int, eps: Float) throws {
        scale = try Parameter("layer_scale", shape: [width, 1, 1], weights: weights)
        isScaleOfImage = true
        let weights = weights["block"]
        depthwise = try Self.depthwise(width, weights["0"])
        norm = try LayerNorm(width, eps: eps, weights: weights["2"])
        products = .linear(
            try Linear(width, 4 * width, weights: weights["3"]), try Linear(4 * width, width, weights: weights["5"]))
        response = nil
    }

    init(timm weights: StateDict, width: Int, _ configuration: ConvNeXtConfiguration) throws {
        depthwise = try Self.depthwise(width, weights["conv_dw"])
        norm = try LayerNorm(width, eps: configuration.eps, weights: weights["norm"])
        let mlp = weights["mlp"]
        response = configuration.isV2 ? try GlobalResponseNorm(4 * width, weights: mlp["grn"]) : nil
        products =
            configuration.hasConvolutions
            ? .convolutions(
                try Conv2d(width, 4 * width, kernelSize: 1, weights: mlp["fc1"]),
                try Conv2d(4 * width, width, kernelSize: 1, weights: mlp["fc2"]))
            : .linear(
                try Linear(width, 4 * width, weights: mlp["fc1"]), try Linear(4 * width, width, weights: mlp["fc2"]))
        scale = configuration.isV2 ? nil : try Parameter("gamma", shape: [width], weights: weights)
        isScaleOfImage = false
    }

    private static func depthwise(_ width: Int, _ weights: StateDict) throws -> Conv2d {
        try Conv2d(width, width, kernelSize: 7, padding: 3, groups: width, weights: weights)
    }

    func callAsFunction(_ input: Value) -> Value {
        var x = norm(depthwise(input).channelsLast)
        func responded(_ image: Value) -> Value { response?(image) ?? image }
        switch products {
        case .linear(let expand, let project):
            x = GELU()(expand(x))
            if response != nil { x = responded(x.channelsFirst).channelsLast }
            x = project(x)
        case .convolutions(let expand, let project):
            x = project(responded(GELU()(expand(x.channelsFirst)))).channelsLast
        }
        if let scale, !isScaleOfImage { x = x * scale }
        var image = x.channelsFirst
        if let scale, isScaleOfImage { image = image * scale }
        return image + input
    }
}
