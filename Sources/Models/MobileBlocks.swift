// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// One kind of block, behind itself some times, as timm writes it: "ir_r2_k3_s2_e6_c24_se0.25".
///
/// The words behind the kind: r repeats, k kernel, s stride of the first, e expansion, c channels, se the share of channels that
/// squeeze and excitation keep, fc channels that are expanded in place of those that come, "nre" ReLU in place of the network's
/// activation, "skip" and "noskip" whether the input is added.
///
/// - Source: `timm.models._efficientnet_builder.decode_arch_def`.
struct MobileBlocks: Sendable, Equatable {
    /// What a block is made of.
    enum Kind: Sendable {
        /// Depthwise, then 1x1.
        case depthwiseSeparable
        /// 1x1, depthwise, 1x1.
        case invertedResidual
        /// A full convolution that expands, then 1x1.
        case edgeResidual
        /// One convolution.
        case convolution
    }

    var kind = Kind.convolution
    var repeats = 1
    var kernel = 3
    var stride = 1
    var expansion = 1.0
    var channels = 0
    var squeeze = 0.0
    var forcedChannels = 0
    var hasReLU = false
    var adds: Bool?

    /// Reads timm's words.
    ///
    /// - Precondition: They are known.
    init(_ text: String) {
        for (place, word) in text.utf8.split(separator: UInt8(ascii: "_")).enumerated() {
            let letters = word.prefix { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let number = Double(String(word.dropFirst(letters.count)) ?? "") ?? 0
            switch (place, String(letters) ?? "") {
            case (0, "ds"): kind = .depthwiseSeparable
            case (0, "ir"): kind = .invertedResidual
            case (0, "er"): kind = .edgeResidual
            case (0, "cn"): kind = .convolution
            case (_, "r"): repeats = Int(number)
            case (_, "k"): kernel = Int(number)
            case (_, "s"): stride = Int(number)
            case (_, "e"): expansion = number
            case (_, "c"): channels = Int(number)
            case (_, "se"): squeeze = number
            case (_, "fc"): forcedChannels = Int(number)
            case (_, "nre"): hasReLU = true
            case (_, "skip"): adds = true
            case (_, "noskip"): adds = false
            default: preconditionFailure("'\(text)' is no description of blocks")
            }
        }
    }
}

/// What all blocks of a network have in common.
struct MobileStyle: Sendable {
    /// What follows the convolutions.
    enum Activation: Sendable {
        case relu, relu6, silu, hardSwish

        func callAsFunction(_ x: Value) -> Value {
            switch self {
            case .relu: ReLU()(x)
            case .relu6: ReLU6()(x)
            case .silu: SiLU()(x)
            case .hardSwish: HardSwish()(x)
            }
        }
    }

    var activation: Activation
    /// Whether paddings are TensorFlow's, and the batch norms' epsilon too.
    var isTensorFlow: Bool
    /// Whether squeeze and excitation is MobileNetV3's: ReLU and a hard sigmoid, channels counted from the expanded ones.
    var isHard = false

    /// A convolution and its batch norm.
    func convolution(
        _ inChannels: Int, _ outChannels: Int, kernel: Int, stride: Int = 1, groups: Int = 1, _ weights: StateDict,
        norm: StateDict
    ) throws -> ConvolutionNorm {
        try ConvolutionNorm(
            inChannels, outChannels, kernelSize: Size2d(integerLiteral: kernel), stride: Size2d(integerLiteral: stride),
            padding: isTensorFlow ? .same : Padding(integerLiteral: (kernel - 1) / 2), groups: groups,
            eps: isTensorFlow ? 1e-3 : 1e-5, weights: weights, norm: norm)
    }
}

/// A block of timm's mobile networks: its parts are there or not.
struct MobileBlock: Layer {
    /// Before the squeeze: each is followed by the activation.
    private var convolutions: [ConvolutionNorm] = []
    private var excitation: (reduce: Conv2d, expand: Conv2d)?
    /// Followed by nothing.
    private var project: ConvolutionNorm?
    private let activation: MobileStyle.Activation
    private let isHard: Bool
    private let adds: Bool

    init(
        _ blocks: MobileBlocks, inChannels: Int, outChannels: Int, stride: Int, _ style: MobileStyle,
        _ weights: StateDict
    ) throws {
        activation = blocks.hasReLU ? .relu : style.activation
        isHard = style.isHard
        adds = stride == 1 && inChannels == outChannels && blocks.adds ?? (blocks.kind != .convolution)
        let expanded = Self.divisible(
            Double(blocks.forcedChannels > 0 ? blocks.forcedChannels : inChannels) * blocks.expansion)
        switch blocks.kind {
        case .convolution:
            convolutions = [
                try style.convolution(
                    inChannels, outChannels, kernel: blocks.kernel, stride: stride, weights["conv"],
                    norm: weights["bn1"])
            ]
        case .depthwiseSeparable:
            convolutions = [
                try style.convolution(
                    inChannels, inChannels, kernel: blocks.kernel, stride: stride, groups: inChannels,
                    weights["conv_dw"], norm: weights["bn1"])
            ]
            excitation = try Self.excitation(blocks, inChannels, expansion: 1, style, weights["se"])
            project = try style.convolution(
                inChannels, outChannels, kernel: 1, weights["conv_pw"], norm: weights["bn2"])
        case .invertedResidual:
            convolutions = [
                try style.convolution(inChannels, expanded, kernel: 1, weights["conv_pw"], norm: weights["bn1"]),
                try style.convolution(
                    expanded, expanded, kernel: blocks.kernel, stride: stride, groups: expanded, weights["conv_dw"],
                    norm: weights["bn2"]),
            ]
            excitation = try Self.excitation(blocks, expanded, expansion: blocks.expansion, style, weights["se"])
            project = try style.convolution(expanded, outChannels, kernel: 1, weights["conv_pwl"], norm: weights["bn3"])
        case .edgeResidual:
            convolutions = [
                try style.convolution(
                    inChannels, expanded, kernel: blocks.kernel, stride: stride, weights["conv_exp"],
                    norm: weights["bn1"])
            ]
            excitation = try Self.excitation(blocks, expanded, expansion: blocks.expansion, style, weights["se"])
            project = try style.convolution(expanded, outChannels, kernel: 1, weights["conv_pwl"], norm: weights["bn2"])
        }
    }

    private static func excitation(
        _ blocks: MobileBlocks, _ channels: Int, expansion: Double, _ style: MobileStyle, _ weights: StateDict
    ) throws -> (reduce: Conv2d, expand: Conv2d)? {
        guard blocks.squeeze > 0 else { return nil }
        let wanted = Double(channels) * blocks.squeeze
        let squeezed = style.isHard ? divisible(wanted) : Int((wanted / expansion).rounded(.toNearestOrEven))
        return (
            try Conv2d(channels, squeezed, kernelSize: 1, weights: weights["conv_reduce"]),
            try Conv2d(squeezed, channels, kernelSize: 1, weights: weights["conv_expand"])
        )
    }

    /// The nearest multiple of 8 that is not smaller by more than the limit's share.
    static func divisible(_ channels: Double, limit: Double = 0.9) -> Int {
        let rounded = max(8, Int(channels + 4) / 8 * 8)
        return Double(rounded) < limit * channels ? rounded + 8 : rounded
    }

    func callAsFunction(_ input: Value) -> Value {
        var x = input
        for convolution in convolutions { x = activation(convolution(x)) }
        if let (reduce, expand) = excitation {
            let means = reduce(AdaptiveAvgPool2d(1)(x))
            let factors = expand(isHard ? ReLU()(means) : activation(means))
            x = x * (isHard ? HardSigmoid()(factors) : Sigmoid()(factors))
        }
        if let project { x = project(x) }
        return adds ? x + input : x
    }
}
