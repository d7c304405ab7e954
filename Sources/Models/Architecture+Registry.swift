// SPDX-License-Identifier: MIT

import Layers
import Tensors

extension Architecture {
    /// PyTorch's MNIST example.
    public static let mnistCNN = Architecture(name: "mnist-cnn", inputShape: [1, 28, 28], classes: 10) {
        try MNISTNet($0)
    }

    /// 784-128-10.
    public static let mnistMLP = Architecture(name: "mnist-mlp", inputShape: [1, 28, 28], classes: 10) {
        try MNISTMLP($0)
    }

    /// An EfficientNet.
    public static func efficientNet(_ configuration: EfficientNetConfiguration) -> Architecture {
        let side = configuration.resolution
        return Architecture(
            name: configuration.name, family: configuration.family.rawValue, inputShape: [3, side, side],
            classes: configuration.classes
        ) {
            try EfficientNet(configuration, $0)
        }
    }

    /// torchvision's networks that take ImageNet's photos, 224x224 cut out of 256, whatever their number of classes.
    static func imageNet(
        _ name: String, classes: Int, make: @escaping @Sendable (StateDict) throws -> any Network
    ) -> Architecture {
        Architecture(name: name, inputShape: [3, 224, 224], classes: classes, resizedShortSide: 256, make: make)
    }

    /// All architectures, for a number of classes that may depend on where the last layer stands.
    ///
    /// - Parameter classes: Is asked with the name of the last layer's weights.
    private static func all(classes: (String) -> Int) -> [Architecture] {
        [mnistCNN, mnistMLP]
            + EfficientNetConfiguration.Family.allCases.flatMap { family in
                let count = classes(family == .torchvision ? "classifier.1.weight" : "_fc.weight")
                return EfficientNetConfiguration.scales.indices.map {
                    efficientNet(EfficientNetConfiguration(variant: $0, family: family, classes: count))
                }
            }
            + ResNetConfiguration.all.map { configuration in
                var configuration = configuration
                configuration.classes = classes("fc.weight")
                return imageNet(configuration.name, classes: configuration.classes) { [configuration] in
                    try ResNet(configuration, $0)
                }
            }
            + VGGConfiguration.all.map { configuration in
                var configuration = configuration
                configuration.classes = classes("classifier.6.weight")
                return imageNet(configuration.name, classes: configuration.classes) { [configuration] in
                    try VGG(configuration, $0)
                }
            }
            + MobileNetV3Configuration.all.map { configuration in
                var configuration = configuration
                configuration.classes = classes("classifier.3.weight")
                return imageNet(configuration.name, classes: configuration.classes) { [configuration] in
                    try MobileNetV3(configuration, $0)
                }
            }
            + EfficientNetV2Configuration.all.map { configuration in
                var configuration = configuration
                configuration.classes = classes("classifier.1.weight")
                let side = configuration.resolution
                return Architecture(
                    name: configuration.name, inputShape: [3, side, side], classes: configuration.classes,
                    resizedShortSide: side
                ) { [configuration] in
                    try EfficientNetV2(configuration, $0)
                }
            }
            + RegNetConfiguration.all.map { configuration in
                var configuration = configuration
                configuration.classes = classes("fc.weight")
                return imageNet(configuration.name, classes: configuration.classes) { [configuration] in
                    try RegNet(configuration, $0)
                }
            }
            + DenseNetConfiguration.all.map { configuration in
                var configuration = configuration
                configuration.classes = classes("classifier.weight")
                return imageNet(configuration.name, classes: configuration.classes) { [configuration] in
                    try DenseNet(configuration, $0)
                }
            }
            + [true, false].map { isFirst in
                let count = classes("classifier.1.weight")
                return imageNet(isFirst ? "squeezenet1_0" : "squeezenet1_1", classes: count) {
                    try SqueezeNet(isFirst: isFirst, classes: count, $0)
                }
            }
            + [
                { count in imageNet("alexnet", classes: count) { try AlexNet(classes: count, $0) } }(
                    classes("classifier.6.weight")),
                { count in imageNet("mobilenet_v2", classes: count) { try MobileNetV2(classes: count, $0) } }(
                    classes("classifier.1.weight")),
            ]
    }

    /// All architectures, the sizes that weights are free to choose (the number of classes) taken from `weights`.
    public static func candidates(for weights: StateDict) -> [Architecture] {
        let unwrapped = weights.unwrapped
        return all { head in
            let shape = unwrapped.tensor(named: head)?.shape
            // Of SqueezeNet it is a convolution's.
            return max(1, shape.flatMap { $0.rank == 2 || $0.rank == 4 ? $0[0] : nil } ?? 1000)
        }
    }

    /// All architectures, for one number of classes.
    static func candidates(classes: Int) -> [Architecture] { all { _ in classes } }

    /// Names of all architectures, each once.
    public static var names: [String] {
        var names: [String] = []
        for architecture in candidates(classes: 1) where !names.contains(architecture.name) {
            names.append(architecture.name)
        }
        return names
    }

    /// Finds the architecture whose weights these are.
    ///
    /// - Throws: `ModelError.unrecognised` with the comparison to the nearest one.
    public static func recognised(in weights: StateDict) throws -> Architecture {
        let unwrapped = weights.unwrapped
        var nearest: WeightsAudit?
        for architecture in candidates(for: unwrapped) {
            let audit = architecture.audit(unwrapped)
            if audit.isExact { return architecture }
            if audit.likeness > nearest?.likeness ?? 0 { nearest = audit }
        }
        throw ModelError.unrecognised(nearest: nearest)
    }

    /// Finds the architecture of a name, in the family and size that fits the weights best.
    ///
    /// - Throws: `ModelError.unknownArchitecture` if no architecture has that name.
    public static func named(_ name: String, for weights: StateDict) throws -> Architecture {
        let unwrapped = weights.unwrapped
        let matching = candidates(for: weights).filter { $0.name == name }
        guard let best = matching.max(by: { $0.audit(unwrapped).likeness < $1.audit(unwrapped).likeness }) else {
            throw ModelError.unknownArchitecture(name, known: names)
        }
        return best
    }
}
