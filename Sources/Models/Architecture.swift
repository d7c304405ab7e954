// SPDX-License-Identifier: MIT

import Layers
import Tensors

/// A network that this library knows, apart from its weights.
public struct Architecture: Sendable, CustomStringConvertible {
    /// For example "mnist-cnn" or "efficientnet-b0".
    public let name: String
    /// Whose code trains such weights, where that changes the answers; empty where it doesn't.
    public let family: String
    /// Shape of the input without the batch: [C, H, W].
    public let inputShape: Shape
    /// Number of classes.
    public let classes: Int
    /// The length that a photo's shorter side is brought to before the input is cut out of its middle; nil if both sides are brought
    /// to the input's size.
    public let resizedShortSide: Int?
    private let make: @Sendable (StateDict) throws -> any Network

    /// Describes a network; `make` builds it from weights, whose wrappers' prefixes are gone.
    public init(
        name: String, family: String = "", inputShape: Shape, classes: Int, resizedShortSide: Int? = nil,
        make: @escaping @Sendable (StateDict) throws -> any Network
    ) {
        self.name = name
        self.family = family
        self.inputShape = inputShape
        self.classes = classes
        self.resizedShortSide = resizedShortSide
        self.make = make
    }

    /// Builds the network.
    ///
    /// - Throws: `ModelError.doesNotFit` if weights are missing, left over or of another shape.
    public func makeNetwork(_ weights: StateDict) throws -> any Network {
        let unwrapped = weights.unwrapped
        let audit = audit(unwrapped)
        guard audit.isExact else { throw ModelError.doesNotFit(audit) }
        return try make(unwrapped)
    }

    /// Builds a network that knows its layers' sizes, but has no weights: for a plan whose weights are prepared already.
    public func makeNetworkWithoutWeights() throws -> any Network {
        try make(StateDict.recording().weights)
    }

    /// Names and shapes of the weights that the network takes.
    public func expectedWeights() -> [(name: String, shape: Shape)] {
        let (weights, recorder) = StateDict.recording()
        do {
            _ = try make(weights)
        } catch {
            preconditionFailure("\(name) refused placeholders: \(error)")
        }
        return recorder.expected
    }

    /// Compares weights with those that the network takes.
    public func audit(_ weights: StateDict) -> WeightsAudit {
        WeightsAudit(architecture: title, expected: expectedWeights(), weights: weights.unwrapped)
    }

    /// The title.
    public var description: String { title }

    /// Name and family: "efficientnet-b0 (torchvision)".
    public var title: String { family.isEmpty ? name : "\(name) (\(family))" }
}

extension StateDict {
    /// The dictionary below the prefixes that wrappers put before every name: `module.`, `model.` and their like.
    var unwrapped: StateDict {
        let wrappers = ["module", "_orig_mod", "model", "net", "backbone"]
        guard let first = names.first, let wrapper = wrappers.first(where: { first.hasPrefix($0 + ".") }),
            names.allSatisfy({ $0.hasPrefix(wrapper + ".") })
        else { return self }
        return self[wrapper].unwrapped
    }
}
