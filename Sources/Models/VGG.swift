// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// What tells the members of the VGG family apart.
public struct VGGConfiguration: Sendable, Equatable {
    /// For example "vgg16_bn".
    public let name: String
    /// Convolutions of each of the five stages.
    let convolutions: [Int]
    let hasBatchNorm: Bool

    /// The family.
    ///
    /// - Source: `torchvision.models.vgg`.
    public static let all: [VGGConfiguration] = [false, true].flatMap { hasBatchNorm in
        [
            ("vgg11", [1, 1, 2, 2, 2]), ("vgg13", [2, 2, 2, 2, 2]), ("vgg16", [2, 2, 3, 3, 3]),
            ("vgg19", [2, 2, 4, 4, 4]),
        ].map { name, convolutions in
            VGGConfiguration(
                name: hasBatchNorm ? name + "_bn" : name, convolutions: convolutions, hasBatchNorm: hasBatchNorm)
        }
    }
}

/// Plain stacks of 3x3 convolutions.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition".
struct VGG: Network {
    let features: Sequential
    let classifier: Sequential

    init(_ configuration: VGGConfiguration, classes: Int, _ weights: StateDict) throws {
        var layers: [any Layer] = []
        var inChannels = 3
        for (stage, count) in configuration.convolutions.enumerated() {
            for _ in 0..<count {
                let channels = min(512, 64 << stage)
                let convolution = try Conv2d(
                    inChannels, channels, kernelSize: 3, padding: 1, weights: weights["features"]["\(layers.count)"])
                layers.append(convolution)
                if configuration.hasBatchNorm {
                    layers.append(try BatchNorm2d(channels, weights: weights["features"]["\(layers.count)"]))
                }
                layers.append(ReLU())
                inChannels = channels
            }
            layers.append(MaxPool2d(2))
        }
        features = Sequential(layers)
        let classifier = weights["classifier"]
        self.classifier = Sequential(
            try Linear(512 * 49, 4096, weights: classifier["0"]), ReLU(),
            try Linear(4096, 4096, weights: classifier["3"]), ReLU(),
            try Linear(4096, classes, weights: classifier["6"]))
    }

    func forward(_ input: Value) -> Value { classifier(Flatten()(AdaptiveAvgPool2d(7)(features(input)))) }
}

/// Five convolutions and three linear layers.
///
/// Shape: [3, H, W] → [classes].
///
/// - Source: `torchvision.models.alexnet`; Krizhevsky, "One weird trick for parallelizing convolutional neural networks".
struct AlexNet: Network {
    let features: Sequential
    let classifier: Sequential

    init(classes: Int, _ weights: StateDict) throws {
        let (features, classifier) = (weights["features"], weights["classifier"])
        self.features = Sequential(
            try Conv2d(3, 64, kernelSize: 11, stride: 4, padding: 2, weights: features["0"]), ReLU(),
            MaxPool2d(3, stride: 2),
            try Conv2d(64, 192, kernelSize: 5, padding: 2, weights: features["3"]), ReLU(), MaxPool2d(3, stride: 2),
            try Conv2d(192, 384, kernelSize: 3, padding: 1, weights: features["6"]), ReLU(),
            try Conv2d(384, 256, kernelSize: 3, padding: 1, weights: features["8"]), ReLU(),
            try Conv2d(256, 256, kernelSize: 3, padding: 1, weights: features["10"]), ReLU(), MaxPool2d(3, stride: 2))
        self.classifier = Sequential(
            try Linear(256 * 36, 4096, weights: classifier["1"]), ReLU(),
            try Linear(4096, 4096, weights: classifier["4"]), ReLU(),
            try Linear(4096, classes, weights: classifier["6"]))
    }

    func forward(_ input: Value) -> Value { classifier(Flatten()(AdaptiveAvgPool2d(6)(features(input)))) }
}
