// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the members of the DenseNet family apart.
public struct DenseNetConfiguration: Sendable, Equatable {
    /// For example "densenet121".
    public let name: String
    /// Layers of each block.
    let layers: [Int]
    /// Channels that each layer adds.
    let growth: Int

    /// Channels of the stem.
    var stemChannels: Int { growth == 48 ? 96 : 64 }

    /// The family.
    ///
    /// - Source: `torchvision.models.densenet`.
    public static let all: [DenseNetConfiguration] = [
        DenseNetConfiguration(name: "densenet121", layers: [6, 12, 24, 16], growth: 32),
        DenseNetConfiguration(name: "densenet161", layers: [6, 12, 36, 24], growth: 48),
        DenseNetConfiguration(name: "densenet169", layers: [6, 12, 32, 32], growth: 32),
        DenseNetConfiguration(name: "densenet201", layers: [6, 12, 48, 32], growth: 32),
    ]
}

/// Networks whose layers read what all layers of their block before them gave.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: Huang et al., "Densely Connected Convolutional Networks".
struct DenseNet: Network {
    let stem: ConvolutionNorm
    let blocks: [[DenseLayer]]
    let transitions: [(norm: BatchNorm2d, convolution: Conv2d)]
    let norm: BatchNorm2d
    let classifier: Linear

    init(_ configuration: DenseNetConfiguration, classes: Int, _ weights: StateDict) throws {
        let features = weights["features"]
        var channels = configuration.stemChannels
        stem = try ConvolutionNorm(
            3, channels, kernelSize: 7, stride: 2, padding: 3, weights: features["conv0"], norm: features["norm0"])
        var blocks: [[DenseLayer]] = []
        var transitions: [(BatchNorm2d, Conv2d)] = []
        for (number, count) in configuration.layers.enumerated() {
            let block = features["denseblock\(number + 1)"]
            blocks.append(
                try (0..<count).map { index in
                    try DenseLayer(
                        channels + index * configuration.growth, configuration.growth, block["denselayer\(index + 1)"])
                })
            channels += count * configuration.growth
            guard number + 1 < configuration.layers.count else { break }
            let transition = features["transition\(number + 1)"]
            transitions.append(
                (
                    try BatchNorm2d(channels, weights: transition["norm"]),
                    try Conv2d(channels, channels / 2, kernelSize: 1, bias: false, weights: transition["conv"])
                ))
            channels /= 2
        }
        self.blocks = blocks
        self.transitions = transitions
        norm = try BatchNorm2d(channels, weights: features["norm5"])
        classifier = try Linear(channels, classes, weights: weights["classifier"])
    }

    func forward(_ input: Value) -> Value {
        var x = MaxPool2d(3, stride: 2, padding: 1)(ReLU()(stem(input)))
        for (number, block) in blocks.enumerated() {
            for layer in block { x = x.concatenated(with: layer(x)) }
            guard number < transitions.count else { continue }
            let (norm, convolution) = transitions[number]
            x = AvgPool2d(2, stride: 2)(convolution(ReLU()(norm(x))))
        }
        return classifier(Flatten()(AdaptiveAvgPool2d(1)(ReLU()(norm(x)))))
    }
}

/// Norm, ReLU and a convolution, twice: 1x1 into four times the growth, 3x3 into the growth.
struct DenseLayer: Layer {
    let norm1: BatchNorm2d
    let conv1: Conv2d
    let norm2: BatchNorm2d
    let conv2: Conv2d

    init(_ inChannels: Int, _ growth: Int, _ weights: StateDict) throws {
        norm1 = try BatchNorm2d(inChannels, weights: weights["norm1"])
        conv1 = try Conv2d(inChannels, 4 * growth, kernelSize: 1, bias: false, weights: weights["conv1"])
        norm2 = try BatchNorm2d(4 * growth, weights: weights["norm2"])
        conv2 = try Conv2d(4 * growth, growth, kernelSize: 3, padding: 1, bias: false, weights: weights["conv2"])
    }

    func callAsFunction(_ input: Value) -> Value { conv2(ReLU()(norm2(conv1(ReLU()(norm1(input)))))) }
}
