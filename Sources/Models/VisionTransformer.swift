// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the vision transformers apart.
public struct VisionTransformerConfiguration: Sendable, Equatable {
    /// Whose names the weights have.
    public enum Family: Sendable {
        case torchvision
        case timm
    }

    /// Without the side of the pictures: "vit_b_16" of torchvision, "vit_tiny_patch16" of timm.
    public let name: String
    /// Whose names the weights have.
    public let family: Family
    /// Side of a patch in pixels.
    let patch: Int
    /// Numbers of a token.
    let width: Int
    /// Blocks behind each other.
    let depth: Int
    let heads: Int
    /// Whether a second token, and a second last layer, learnt from a teacher: the answers' mean is taken.
    var isDistilled = false
    /// Whether what a block adds is scaled, and the class's token has no position: DeiT III.
    var isScaled = false
    /// Mean and deviation of the photos that it is trained on are ImageNet's, rather than a half.
    var hasImageNetMean = false

    /// Tokens before those of patches.
    var prefixTokens: Int { isDistilled ? 2 : 1 }

    /// Tokens that have a position for pictures of a side.
    func positions(side: Int) -> Int { (side / patch) * (side / patch) + (isScaled ? 0 : prefixTokens) }

    /// Side of the pictures whose patches have so many positions.
    func side(positions: Int) -> Int? {
        let patches = positions - (isScaled ? 0 : prefixTokens)
        guard patches > 0, patches <= 1 << 20 else { return nil }
        let edge = Int(Double(patches).squareRoot().rounded())
        return edge * edge == patches ? edge * patch : nil
    }

    /// timm's.
    ///
    /// - Source: `timm.models.vision_transformer` and `timm.models.deit`.
    public static let timm = vit + deit + distilled + deit3

    private typealias Row = (name: String, patch: Int, sizes: Sizes)

    /// torchvision's.
    ///
    /// - Source: `torchvision.models.vision_transformer`.
    public static let torchvision = [
        Row("vit_b_16", 16, base), Row("vit_b_32", 32, base), Row("vit_l_16", 16, large), Row("vit_l_32", 32, large),
        Row("vit_h_14", 14, huge),
    ].map { VisionTransformerConfiguration($0, .torchvision, hasImageNetMean: true) }

    private static let vit = [
        Row("vit_tiny_patch16", 16, tiny), Row("vit_small_patch32", 32, small), Row("vit_small_patch16", 16, small),
        Row("vit_small_patch8", 8, small), Row("vit_base_patch32", 32, base), Row("vit_base_patch16", 16, base),
        Row("vit_base_patch8", 8, base), Row("vit_large_patch32", 32, large), Row("vit_large_patch16", 16, large),
        Row("vit_large_patch14", 14, large), Row("vit_huge_patch14", 14, huge),
    ].map { VisionTransformerConfiguration($0, .timm, hasImageNetMean: $0.name == "vit_small_patch8") }

    private static let deit = [
        Row("deit_tiny_patch16", 16, tiny), Row("deit_small_patch16", 16, small), Row("deit_base_patch16", 16, base),
    ].map { VisionTransformerConfiguration($0, .timm, hasImageNetMean: true) }

    private static let distilled = [
        Row("deit_tiny_distilled_patch16", 16, tiny), Row("deit_small_distilled_patch16", 16, small),
        Row("deit_base_distilled_patch16", 16, base),
    ].map { VisionTransformerConfiguration($0, .timm, isDistilled: true, hasImageNetMean: true) }

    private static let deit3 = [
        Row("deit3_small_patch16", 16, small), Row("deit3_medium_patch16", 16, medium),
        Row("deit3_base_patch16", 16, base), Row("deit3_large_patch16", 16, large), Row("deit3_huge_patch14", 14, huge),
    ].map { VisionTransformerConfiguration($0, .timm, isScaled: true, hasImageNetMean: true) }

    private typealias Sizes = (width: Int, depth: Int, heads: Int)
    private static let tiny: Sizes = (192, 12, 3)
    private static let small: Sizes = (384, 12, 6)
    private static let medium: Sizes = (512, 12, 8)
    private static let base: Sizes = (768, 12, 12)
    private static let large: Sizes = (1024, 24, 16)
    private static let huge: Sizes = (1280, 32, 16)

    private init(
        _ row: Row, _ family: Family, isDistilled: Bool = false, isScaled: Bool = false, hasImageNetMean: Bool = false
    ) {
        name = row.name
        self.family = family
        patch = row.patch
        (width, depth, heads) = row.sizes
        self.isDistilled = isDistilled
        self.isScaled = isScaled
        self.hasImageNetMean = hasImageNetMean
    }

    /// The library's name: timm's has the side of the pictures.
    func name(side: Int) -> String { family == .timm ? "\(name)_\(side)" : name }

    /// How photos become its input: at 224 the middle of 9 / 10 of timm's, at other sides the whole square.
    func photo(side: Int) -> PhotoPreparation {
        if family == .torchvision {
            return side == 224 && name != "vit_h_14"
                ? .imageNet(224, shortSide: name == "vit_l_16" ? 242 : 256)
                : .imageNet(side, shortSide: side, isBicubic: true)
        }
        let shortSide = side == 224 ? 248 : side
        return hasImageNetMean
            ? .imageNet(side, shortSide: shortSide, isBicubic: true) : .halves(side, shortSide: shortSide)
    }
}

/// A transformer over an image's patches, which answers by the class's token.
///
/// Shape: [3, side, side] → [classes].
///
/// - Source: Dosovitskiy et al., "An Image is Worth 16x16 Words"; Touvron et al., "Training data-efficient image transformers"
///   and "DeiT III".
struct VisionTransformer: Network {
    let configuration: VisionTransformerConfiguration
    let patches: Conv2d
    /// Put before the patches' tokens, the last one first.
    let tokens: [Parameter]
    let positions: Parameter
    let blocks: [TransformerBlock]
    let norm: LayerNorm
    let heads: [Linear]

    init(_ configuration: VisionTransformerConfiguration, classes: Int, side: Int, _ weights: StateDict) throws {
        self.configuration = configuration
        let width = configuration.width
        let isTimm = configuration.family == .timm
        let encoder = isTimm ? weights : weights["encoder"]
        let patch = Size2d(integerLiteral: configuration.patch)
        patches = try Conv2d(
            3, width, kernelSize: patch, stride: patch,
            weights: isTimm ? weights["patch_embed"]["proj"] : weights["conv_proj"])
        tokens = try ((configuration.isDistilled ? ["dist_token"] : []) + [isTimm ? "cls_token" : "class_token"]).map {
            try Parameter($0, shape: [1, 1, width], weights: weights)
        }
        positions = try Parameter(
            isTimm ? "pos_embed" : "pos_embedding", shape: [1, configuration.positions(side: side), width],
            weights: encoder)
        // torchvision's published files still have the names of its first version.
        let isOld = weights.contains("encoder.layers.encoder_layer_0.mlp.linear_1.weight")
        blocks = try (0..<configuration.depth).map { index in
            try isTimm
                ? TransformerBlock(timm: weights["blocks"]["\(index)"], configuration)
                : TransformerBlock(
                    torchvision: encoder["layers"]["encoder_layer_\(index)"], configuration, isOld: isOld)
        }
        norm = try LayerNorm(width, eps: 1e-6, weights: isTimm ? weights["norm"] : encoder["ln"])
        let names = isTimm ? ["head"] + (configuration.isDistilled ? ["head_dist"] : []) : ["heads.head"]
        heads = try names.map { try Linear(width, classes, weights: weights[$0]) }
    }

    func forward(_ input: Value) -> Value {
        let image = patches(input)
        var x = image.channelsLast.reshaped(image.shape[1] * image.shape[2], image.shape[0])
        if configuration.isScaled { x = x + positions }
        for token in tokens { x = x.prefixed(with: token) }
        if !configuration.isScaled { x = x + positions }
        for block in blocks { x = block(x) }
        x = norm(x)
        let answers = heads.enumerated().map { index, head in
            head(x.narrowed(axis: 0, to: index..<(index + 1)).reshaped(configuration.width))
        }
        return answers.count == 1 ? answers[0] : (answers[0] + answers[1]).scaled(by: 0.5)
    }
}

/// Attention and two products of each token, both behind a layer norm and added to their input.
struct TransformerBlock: Layer {
    let norm1, norm2: LayerNorm
    let attention: MultiheadAttention
    let expand, project: Linear
    /// Factors of what is added.
    let scales: (Parameter, Parameter)?

    init(torchvision weights: StateDict, _ configuration: VisionTransformerConfiguration, isOld: Bool) throws {
        let width = configuration.width
        norm1 = try LayerNorm(width, eps: 1e-6, weights: weights["ln_1"])
        attention = try MultiheadAttention(width, heads: configuration.heads, weights: weights["self_attention"])
        norm2 = try LayerNorm(width, eps: 1e-6, weights: weights["ln_2"])
        let mlp = weights["mlp"]
        expand = try Linear(width, 4 * width, weights: mlp[isOld ? "linear_1" : "0"])
        project = try Linear(4 * width, width, weights: mlp[isOld ? "linear_2" : "3"])
        scales = nil
    }

    init(timm weights: StateDict, _ configuration: VisionTransformerConfiguration) throws {
        let width = configuration.width
        norm1 = try LayerNorm(width, eps: 1e-6, weights: weights["norm1"])
        attention = MultiheadAttention(
            heads: configuration.heads,
            queryKeyValue: try Linear(width, 3 * width, weights: weights["attn"]["qkv"]),
            projection: try Linear(width, width, weights: weights["attn"]["proj"]))
        norm2 = try LayerNorm(width, eps: 1e-6, weights: weights["norm2"])
        expand = try Linear(width, 4 * width, weights: weights["mlp"]["fc1"])
        project = try Linear(4 * width, width, weights: weights["mlp"]["fc2"])
        func scale(_ name: String) throws -> Parameter {
            try Parameter("gamma", shape: [width], weights: weights[name])
        }
        scales = configuration.isScaled ? (try scale("ls1"), try scale("ls2")) : nil
    }

    func callAsFunction(_ input: Value) -> Value {
        func scaled(_ x: Value, _ scale: Parameter?) -> Value { scale.map { x * $0 } ?? x }
        let x = scaled(attention(norm1(input)), scales?.0) + input
        return scaled(project(GELU()(expand(norm2(x)))), scales?.1) + x
    }
}
