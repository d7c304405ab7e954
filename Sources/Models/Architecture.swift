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
    /// How photos become the input, as the network's library trains it; nil for those that take digits.
    public let photo: PhotoPreparation?
    private let make: @Sendable (StateDict) throws -> any Network

    /// Describes a network; `make` builds it from weights, whose wrappers' prefixes are gone.
    public init(
        name: String, family: String = "", inputShape: Shape, classes: Int,
        make: @escaping @Sendable (StateDict) throws -> any Network
    ) {
        self.name = name
        self.family = family
        self.inputShape = inputShape
        self.classes = classes
        photo = nil
        self.make = make
    }

    /// Describes a network that takes photos of three colours.
    init(
        name: String, family: String = "", photo: PhotoPreparation, classes: Int,
        make: @escaping @Sendable (StateDict) throws -> any Network
    ) {
        self.name = name
        self.family = family
        self.photo = photo
        inputShape = [3, photo.side, photo.side]
        self.classes = classes
        self.make = make
    }

    /// Builds the network.
    ///
    /// - Throws: `ModelError.doesNotFit` if weights are missing or of another shape, or more than a twentieth of them left over.
    public func makeNetwork(_ weights: StateDict) throws -> any Network {
        let unwrapped = weights.unwrapped
        guard leftOver(of: unwrapped) != nil else { throw ModelError.doesNotFit(audit(unwrapped)) }
        return try make(unwrapped)
    }

    /// Whole names of the weights that the network takes, if they are all there in the right shapes.
    func taken(from weights: StateDict) -> [String]? {
        let (compared, recorder) = weights.compared()
        do {
            _ = try make(compared)
        } catch {
            return nil
        }
        return recorder.expected.map(\.name)
    }

    /// The name without the side of the pictures at its end.
    var nameWithoutSide: String {
        let side = inputShape[inputShape.rank - 1]
        return name.hasSuffix("_\(side)") ? String(name.dropLast("_\(side)".utf8.count)) : name
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
