// SPDX-License-Identifier: MIT

/// The numbers that make one of the EfficientNets B0 to B7.
///
/// - Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", tables 1 and 2.
public struct EfficientNetConfiguration: Sendable, Equatable {
    /// Whose code trained the weights: same shapes, but other paddings, epsilons and names.
    public enum Family: String, Sendable, CaseIterable {
        /// `efficientnet_pytorch`: TensorFlow's SAME padding, eps 1e-3, names such as `_conv_stem.weight`.
        case efficientNetPyTorch = "efficientnet_pytorch"
        /// `torchvision.models.efficientnet`: symmetric padding, names such as `features.0.0.weight`.
        case torchvision = "torchvision"
    }

    /// One stage of equal blocks, as the paper's table 1 lists them.
    public struct Stage: Sendable, Equatable {
        /// Times the block is repeated in B0.
        public let repeats: Int
        /// Size of the depthwise kernel.
        public let kernel: Int
        /// Stride of the first block.
        public let stride: Int
        /// Factor of the expanded channels.
        public let expansion: Int
        /// Channels that come in, in B0.
        public let inChannels: Int
        /// Channels that go out, in B0.
        public let outChannels: Int
    }

    /// 0 to 7 for B0 to B7.
    public let variant: Int
    /// Whose code trained the weights.
    public let family: Family
    /// Number of classes.
    public let classes: Int

    /// The blocks of B0; the other variants are wider and deeper.
    public static let stages: [Stage] = [
        Stage(repeats: 1, kernel: 3, stride: 1, expansion: 1, inChannels: 32, outChannels: 16),
        Stage(repeats: 2, kernel: 3, stride: 2, expansion: 6, inChannels: 16, outChannels: 24),
        Stage(repeats: 2, kernel: 5, stride: 2, expansion: 6, inChannels: 24, outChannels: 40),
        Stage(repeats: 3, kernel: 3, stride: 2, expansion: 6, inChannels: 40, outChannels: 80),
        Stage(repeats: 3, kernel: 5, stride: 1, expansion: 6, inChannels: 80, outChannels: 112),
        Stage(repeats: 4, kernel: 5, stride: 2, expansion: 6, inChannels: 112, outChannels: 192),
        Stage(repeats: 1, kernel: 3, stride: 1, expansion: 6, inChannels: 192, outChannels: 320),
    ]

    /// Width and depth factors and the side of the input in pixels, B0 to B7.
    static let scales: [(width: Double, depth: Double, resolution: Int)] = [
        (1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 300),
        (1.4, 1.8, 380), (1.6, 2.2, 456), (1.8, 2.6, 528), (2.0, 3.1, 600),
    ]

    /// Names a configuration.
    ///
    /// - Precondition: `variant` is 0 to 7.
    public init(variant: Int, family: Family, classes: Int) {
        precondition(EfficientNetConfiguration.scales.indices.contains(variant), "there is no EfficientNet-B\(variant)")
        self.variant = variant
        self.family = family
        self.classes = classes
    }

    /// "efficientnet-b0".
    public var name: String { "efficientnet-b\(variant)" }

    /// Side of the square input in pixels.
    public var resolution: Int {
        family == .torchvision && variant == 2 ? 288 : EfficientNetConfiguration.scales[variant].resolution
    }

    /// How photos become its input: torchvision's transforms; both sides brought to the input's for `efficientnet_pytorch`,
    /// which leaves it to the caller.
    var photo: PhotoPreparation {
        guard family == .torchvision else { return .imageNet(resolution, shortSide: nil) }
        let shortSides = [256, 256, 288, 320, 384, 456, 528, 600]
        return .imageNet(resolution, shortSide: shortSides[variant], isBicubic: true)
    }

    /// Added to variances by the batch norms.
    var eps: Float { family == .efficientNetPyTorch || variant >= 5 ? 1e-3 : 1e-5 }

    /// Channels scaled by the width factor, to the nearest multiple of 8 that loses at most a tenth.
    func channels(_ base: Int) -> Int {
        let wanted = Double(base) * EfficientNetConfiguration.scales[variant].width
        let rounded = max(8, Int(wanted + 4) / 8 * 8)
        return Double(rounded) < 0.9 * wanted ? rounded + 8 : rounded
    }

    /// Repeats scaled by the depth factor, rounded up.
    func repeats(_ base: Int) -> Int {
        Int((Double(base) * EfficientNetConfiguration.scales[variant].depth).rounded(.up))
    }
}
