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

    /// All architectures, the sizes that weights are free to choose (the number of classes) taken from `weights`.
    public static func candidates(for weights: StateDict) -> [Architecture] {
        let unwrapped = weights.unwrapped
        return [mnistCNN, mnistMLP]
            + EfficientNetConfiguration.Family.allCases.flatMap { family in
                let head = family == .torchvision ? "classifier.1.weight" : "_fc.weight"
                let shape = unwrapped.tensor(named: head)?.shape
                let classes = shape.flatMap { $0.rank == 2 ? $0[0] : nil } ?? 1000
                return EfficientNetConfiguration.scales.indices.map {
                    efficientNet(EfficientNetConfiguration(variant: $0, family: family, classes: max(1, classes)))
                }
            }
    }

    /// Names of all architectures, each once.
    public static var names: [String] {
        [mnistCNN.name, mnistMLP.name] + EfficientNetConfiguration.scales.indices.map { "efficientnet-b\($0)" }
    }

    /// Finds the architecture whose weights these are.
    ///
    /// - Throws: `ModelError.unrecognised` with the comparison to the nearest one.
    public static func recognised(in weights: StateDict) throws -> Architecture {
        let unwrapped = weights.unwrapped
        let audits = candidates(for: weights).map { (architecture: $0, audit: $0.audit(unwrapped)) }
        if let exact = audits.first(where: { $0.audit.isExact }) { return exact.architecture }
        let nearest = audits.max { $0.audit.likeness < $1.audit.likeness }
        throw ModelError.unrecognised(nearest: nearest.flatMap { $0.audit.likeness > 0 ? $0.audit : nil })
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
