// SPDX-License-Identifier: MIT

import Checkpoints
import Graphs
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
    /// The network that the weights were recognised as, or the file that has its own.
    public let network: NetworkSource
    /// Path of the file; empty for a model whose weights were prepared before.
    public let path: String
    /// The network made ready to run.
    public let plan: Plan
    /// How an image becomes the network's input.
    public let preprocessor: Preprocessor

    /// Loads a version from a repository, the newest unless one is named.
    ///
    /// - Throws: `InferenceError`, `CheckpointError`, `ModelError`, `TensorError`, `ONNXError`,
    ///   `TorchExportError`, or an error of the system.
    public convenience init(
        _ name: String, version: Int? = nil, in repository: ModelRepository, preparedWeights: PreparedWeights? = nil
    ) throws {
        let entry = try repository.entry(name, version: version)
        try self.init(
            path: entry.path, name: entry.description.name, description: entry.description, version: entry.version,
            preparedWeights: preparedWeights)
    }

    /// Loads a weights file by its content.
    ///
    /// - Parameters:
    ///   - name: The model's name in answers.
    ///   - description: What to hold of the model; by default, what its architecture or its file says.
    ///   - options: What a file that has its own network leaves open.
    /// - Throws: As the other initialiser does.
    public convenience init(
        weights path: String, name: String, description: ModelDescription? = nil,
        options: GraphModelOptions = GraphModelOptions()
    ) throws {
        try self.init(
            path: path, name: name, description: description, version: 0, preparedWeights: nil, options: options)
    }

    private convenience init(
        path: String, name: String, description: ModelDescription?, version: Int, preparedWeights: PreparedWeights?,
        options: GraphModelOptions = GraphModelOptions()
    ) throws {
        if let file = GraphFile(recognising: path) {
            try self.init(
                file: file, name: name, description: description, version: version, preparedWeights: preparedWeights,
                options: options)
        } else {
            try self.init(
                weights: Checkpoint.open(path: path).stateDict, path: path, name: name, description: description,
                version: version, preparedWeights: preparedWeights)
        }
    }

    /// Weights whose network is known by their names.
    private init(
        weights: StateDict, path: String, name: String, description: ModelDescription?, version: Int,
        preparedWeights: PreparedWeights?
    ) throws {
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
        self.path = path
        self.network = .architecture(architecture)
        plan = try Plan(network, input: description.inputShape, weights: preparedWeights)
        preprocessor = try Preprocessor(description.input)
        guard plan.outputShape == [description.labels.count] else {
            throw InferenceError.wrongClassCount(
                path: path, labels: description.labels.count, classes: plan.outputShape.elementCount)
        }
    }

    /// A file that has its own network.
    private init(
        file: GraphFile, name: String, description: ModelDescription?, version: Int, preparedWeights: PreparedWeights?,
        options: GraphModelOptions
    ) throws {
        let size = description.map { ($0.input.height, $0.input.width) } ?? options.size
        let (graph, labels) = try file.read(size: size)
        let description =
            try description
            ?? ModelDescription(defaultsFor: graph, file: file, name: name, labels: labels, options)
        plan = try Plan(graph, weights: preparedWeights)
        try Self.check(plan, description, path: file.path)
        self.description = description
        self.version = version
        path = file.path
        network = .graph(file)
        preprocessor = try Preprocessor(description.input)
    }

    private static func check(_ plan: Plan, _ description: ModelDescription, path: String) throws {
        guard plan.inputs.count == 1, plan.inputShape == description.inputShape, plan.inputs[0].elementType == .float32
        else {
            let actual = plan.inputs.map { "\($0.elementType.rawValue) \($0.shape)" }.joined(separator: ", ")
            throw InferenceError.wrongInputShape(
                path: path, expected: actual, actual: "f32 \(description.inputShape)")
        }
        guard plan.outputs[0].elementType == .float32, plan.outputShape.elementCount == description.labels.count else {
            throw InferenceError.wrongClassCount(
                path: path, labels: description.labels.count, classes: plan.outputShape.elementCount)
        }
    }

    /// The network's graph as it comes, before any pass: for those who look at plans.
    ///
    /// - Throws: What reading the file again throws; `InferenceError.invalidPreparedModels` if the weights' file is not known.
    public func readGraph() throws -> Graph {
        switch network {
        case .graph(let file): try file.read(size: (description.input.height, description.input.width)).graph
        case .architecture(let architecture):
            try Graph(
                architecture.makeNetwork(Checkpoint.open(path: path).stateDict), input: description.inputShape)
        case .wired: throw InferenceError.wiredByProgram(model: description.name)
        }
    }

    /// Takes a network that the program wires itself.
    ///
    /// - Parameters:
    ///   - name: The model's name in answers.
    ///   - preprocessor: How an image becomes the network's input.
    ///   - labels: Names of the classes, in the order of the network's answer.
    ///   - activation: What makes probabilities of the answer.
    ///   - allowUnused: Weights of the network's state dict that no layer needs to read.
    /// - Throws: What `Plan.init` throws; `InferenceError.wrongClassCount` if there are more or fewer labels than answers.
    public init(
        _ network: some Network, name: String = "network", preprocessor: Preprocessor, labels: [String],
        activation: ModelDescription.Output.Activation = .softmax, allowUnused: UnusedWeights = []
    ) throws {
        let input = preprocessor.input
        plan = try Plan(network, input: [input.channels, input.height, input.width], allowUnused: allowUnused)
        description = ModelDescription(
            schema: 1, name: name, architecture: NetworkSource.wired.name, description: nil, input: input,
            output: .init(activation: activation), labels: labels, versions: [:])
        try Self.check(plan, description, path: name)
        version = 0
        path = ""
        self.network = .wired
        self.preprocessor = preprocessor
    }

    /// Takes a model whose weights were prepared before, for the same network and kernels: no weights are read.
    ///
    /// - Throws: `InferenceError.invalidPreparedModels` if description and network don't fit, `KernelError`, and for a file
    ///   that has its own network, what reading it throws.
    init(
        description: ModelDescription, version: Int, network: NetworkSource, preparedWeights: PreparedWeights
    ) throws {
        switch network {
        case .architecture(let architecture):
            guard description.inputShape == architecture.inputShape, description.labels.count == architecture.classes
            else {
                throw InferenceError.invalidPreparedModels(reason: "'\(description.name)' is no \(architecture.name)")
            }
            plan = try Plan(
                architecture.makeNetworkWithoutWeights(), input: description.inputShape, weights: preparedWeights)
        case .graph(let file):
            let graph = try file.read(size: (description.input.height, description.input.width)).graph
            plan = try Plan(graph, weights: preparedWeights)
            try Self.check(plan, description, path: file.path)
        case .wired: throw InferenceError.wiredByProgram(model: description.name)
        }
        self.description = description
        self.version = version
        path = ""
        self.network = network
        preprocessor = try Preprocessor(description.input)
    }
}
