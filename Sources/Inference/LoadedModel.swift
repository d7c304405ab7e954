// SPDX-License-Identifier: MIT

import Checkpoints
import Layers
import Models
import SystemCalls
import Tensors

/// A model ready to answer: its plan, and how pixels and labels belong to it. Shared by all threads.
public final class LoadedModel: Sendable {
    /// What the repository says of the model, or what holds by default.
    public let description: ModelDescription
    /// The version; 0 for a weights file that stands in no repository.
    public let version: Int
    /// Name of the network that the weights were recognised as.
    public let architecture: Architecture
    /// The network made ready to run.
    public let plan: Plan
    let preprocessor: Preprocessor

    /// Loads a version from a repository, the newest unless one is named.
    ///
    /// - Throws: `InferenceError`, `CheckpointError`, `ModelError`, `TensorError`, or an error of the system.
    public convenience init(
        _ name: String, version: Int? = nil, in repository: ModelRepository, preparedWeights: PreparedWeights? = nil
    ) throws {
        let entry = try repository.entry(name, version: version)
        try self.init(
            path: entry.path, description: entry.description, version: entry.version, preparedWeights: preparedWeights)
    }

    /// Loads a weights file by its content.
    ///
    /// - Parameters:
    ///   - name: The model's name in answers.
    ///   - description: What to hold of the model; by default, what its architecture says.
    /// - Throws: As the other initialiser does.
    public convenience init(weights path: String, name: String, description: ModelDescription? = nil) throws {
        try self.init(path: path, name: name, description: description, version: 0, preparedWeights: nil)
    }

    private convenience init(
        path: String, description: ModelDescription, version: Int, preparedWeights: PreparedWeights?
    ) throws {
        try self.init(
            path: path, name: description.name, description: description, version: version,
            preparedWeights: preparedWeights)
    }

    private init(
        path: String, name: String, description: ModelDescription?, version: Int, preparedWeights: PreparedWeights?
    ) throws {
        let weights = try Checkpoint.open(path: path).stateDict
        let architecture =
            try description.map { try Architecture.named($0.architecture, for: weights) }
            ?? Architecture.recognised(in: weights)
        let description = description ?? ModelDescription(defaultsFor: architecture, name: name)
        let network = try architecture.makeNetwork(weights)
        guard description.inputShape == architecture.inputShape else {
            throw InferenceError.wrongInputShape(
                path: path, expected: "\(architecture.inputShape)", actual: "\(description.inputShape)")
        }
        self.description = description
        self.version = version
        self.architecture = architecture
        plan = try Plan(network, input: description.inputShape, weights: preparedWeights)
        preprocessor = Preprocessor(description.input)
        guard plan.outputShape == [description.labels.count] else {
            throw InferenceError.wrongClassCount(
                path: path, labels: description.labels.count, classes: plan.outputShape.elementCount)
        }
    }

    /// Takes a model whose weights were prepared before, for the same architecture and kernels; no file is read.
    ///
    /// - Throws: `InferenceError.invalidPreparedModels` if description and architecture don't fit, `KernelError`.
    init(
        description: ModelDescription, version: Int, architecture: Architecture, preparedWeights: PreparedWeights
    ) throws {
        guard description.inputShape == architecture.inputShape, description.labels.count == architecture.classes else {
            throw InferenceError.invalidPreparedModels(reason: "'\(description.name)' is no \(architecture.name)")
        }
        self.description = description
        self.version = version
        self.architecture = architecture
        plan = try Plan(
            architecture.makeNetworkWithoutWeights(), input: description.inputShape, weights: preparedWeights)
        preprocessor = Preprocessor(description.input)
    }
}
