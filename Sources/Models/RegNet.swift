// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the members of the RegNet family apart.
public struct RegNetConfiguration: Sendable, Equatable {
    /// For example "regnet_y_400mf".
    public let name: String
    /// Blocks of each stage.
    let depths: [Int]
    /// Channels of each stage.
    let widths: [Int]
    /// Channels of a group of the 3x3 convolutions, where the stage has as many.
    let groupWidth: Int

    /// Whether blocks squeeze and excite: those of Y do.
    var squeezes: Bool { name.hasPrefix("regnet_y") }

    private init(_ name: String, _ depths: [Int], _ widths: [Int], _ groupWidth: Int) {
        self.name = name
        self.depths = depths
        self.widths = widths
        self.groupWidth = groupWidth
    }

    /// The family.
    ///
    /// - Source: `torchvision.models.regnet`: the numbers are those of `BlockParams.from_init_params`.
    public static let all: [RegNetConfiguration] = [
        RegNetConfiguration("regnet_y_400mf", [1, 3, 6, 6], [48, 104, 208, 440], 8),
        RegNetConfiguration("regnet_y_800mf", [1, 3, 8, 2], [64, 144, 320, 784], 16),
        RegNetConfiguration("regnet_y_1_6gf", [2, 6, 17, 2], [48, 120, 336, 888], 24),
        RegNetConfiguration("regnet_y_3_2gf", [2, 5, 13, 1], [72, 216, 576, 1512], 24),
        RegNetConfiguration("regnet_y_8gf", [2, 4, 10, 1], [224, 448, 896, 2016], 56),
        RegNetConfiguration("regnet_y_16gf", [2, 4, 11, 1], [224, 448, 1232, 3024], 112),
        RegNetConfiguration("regnet_y_32gf", [2, 5, 12, 1], [232, 696, 1392, 3712], 232),
        RegNetConfiguration("regnet_x_400mf", [1, 2, 7, 12], [32, 64, 160, 400], 16),
        RegNetConfiguration("regnet_x_800mf", [1, 3, 7, 5], [64, 128, 288, 672], 16),
        RegNetConfiguration("regnet_x_1_6gf", [2, 4, 10, 2], [72, 168, 408, 912], 24),
        RegNetConfiguration("regnet_x_3_2gf", [2, 6, 15, 2], [96, 192, 432, 1008], 48),
        RegNetConfiguration("regnet_x_8gf", [2, 5, 15, 1], [80, 240, 720, 1920], 120),
        RegNetConfiguration("regnet_x_16gf", [2, 6, 13, 1], [256, 512, 896, 2048], 128),
        RegNetConfiguration("regnet_x_32gf", [2, 7, 13, 1], [336, 672, 1344, 2520], 168),
    ]
}

/// Residual networks of four stages whose sizes follow one rule.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: Radosavovic et al., "Designing Network Design Spaces".
struct RegNet: Network {
    let stem: ConvolutionNorm
    let blocks: [RegNetBlock]
    let fc: Linear

    init(_ configuration: RegNetConfiguration, classes: Int, _ weights: StateDict) throws {
        stem = try ConvolutionNorm(
            3, 32, kernelSize: 3, stride: 2, padding: 1, weights: weights["stem"]["0"], norm: weights["stem"]["1"])
        var blocks: [RegNetBlock] = []
        var inChannels = 32
        for (stage, depth) in configuration.depths.enumerated() {
            let width = configuration.widths[stage]
            for index in 0..<depth {
                let name = "block\(stage + 1)"
                blocks.append(
                    try RegNetBlock(
                        inChannels, width, stride: index == 0 ? 2 : 1, groupWidth: min(width, configuration.groupWidth),
                        squeezed: configuration.squeezes ? (inChannels + 2) / 4 : nil,
                        weights["trunk_output"][name]["\(name)-\(index)"]))
                inChannels = width
            }
        }
        self.blocks = blocks
        fc = try Linear(inChannels, classes, weights: weights["fc"])
    }

    func forward(_ input: Value) -> Value {
        var x = ReLU()(stem(input))
        for block in blocks { x = block(x) }
        return fc(Flatten()(AdaptiveAvgPool2d(1)(x)))
    }
}

/// relu(1x1, 3x3 in groups, squeeze and excite, 1x1 + x), or with a 1x1 convolution of x where the sizes differ.
struct RegNetBlock: Layer {
    let a: ConvolutionNorm
    let b: ConvolutionNorm
    let excitation: (reduce: Conv2d, expand: Conv2d)?
    let c: ConvolutionNorm
    let proj: ConvolutionNorm?

    init(
        _ inChannels: Int, _ outChannels: Int, stride: Int, groupWidth: Int, squeezed: Int?, _ weights: StateDict
    ) throws {
        let f = weights["f"]
        let stride = Size2d(integerLiteral: stride)
        a = try ConvolutionNorm(
            inChannels, outChannels, kernelSize: 1, weights: f["a"]["0"], norm: f["a"]["1"])
        b = try ConvolutionNorm(
            outChannels, outChannels, kernelSize: 3, stride: stride, padding: 1, groups: outChannels / groupWidth,
            weights: f["b"]["0"], norm: f["b"]["1"])
        excitation = try squeezed.map { squeezed in
            (
                try Conv2d(outChannels, squeezed, kernelSize: 1, weights: f["se"]["fc1"]),
                try Conv2d(squeezed, outChannels, kernelSize: 1, weights: f["se"]["fc2"])
            )
        }
        c = try ConvolutionNorm(
            outChannels, outChannels, kernelSize: 1, weights: f["c"]["0"], norm: f["c"]["1"])
        proj =
            stride == 1 && inChannels == outChannels
            ? nil
            : try ConvolutionNorm(
                inChannels, outChannels, kernelSize: 1, stride: stride, weights: weights["proj"]["0"],
                norm: weights["proj"]["1"])
    }

    func callAsFunction(_ input: Value) -> Value {
        var x = ReLU()(b(ReLU()(a(input))))
        if let (reduce, expand) = excitation {
            x = x * Sigmoid()(expand(ReLU()(reduce(AdaptiveAvgPool2d(1)(x)))))
        }
        return ReLU()(c(x) + (proj?(input) ?? input))
    }
}
