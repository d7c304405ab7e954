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
    /// What its numbers are.
    public let precision: Precision
    /// The network that the weights were recognised as, or the file that has its own.
    public let network: NetworkSource
    /// Path of the file; empty for a model whose weights were prepared before.
    public let path: String
    /// What the user should know of how the weights were understood, in sentences.
    public let notes: [String]
    /// The network made ready to run.
    public let plan: Plan
    /// How an image becomes the network's input.
    public let preprocessor: Preprocessor

    /// Whether it answers with one number per class. Others answer with numbers only: `Predictor.tensors(of:)`.
    public var isClassifier: Bool { !description.labels.isEmpty }

    /// Whether it takes pictures. What takes tensors is asked by `Predictor.outputs(of:)`.
    public var takesPictures: Bool { description.input.preprocessing != .tensors }

    /// How many numbers one row of what it takes has: all inputs, one behind the other.
    public var inputCount: Int { plan.inputs.reduce(0) { $0 + $1.shape.elementCount } }

    /// - Throws: `InferenceError.takesTensors` with its inputs, if it takes no pictures.
    public func checkTakesPictures() throws { try description.input.checkTakesPictures() }

    /// What its own file names as outputs; the layers of a network that is known have no such names.
    package var namedOutputs: [Plan.Port] { if case .graph = network { plan.outputs } else { [] } }

    /// - Throws: `InferenceError.notAClassifier` with what it answers.
    func checkIsClassifier() throws {
        try checkTakesPictures()
        guard !isClassifier else { return }
        let outputs = plan.outputs.map { "'\($0.name)' \($0.elementType.rawValue) \($0.shape)" }
        throw InferenceError.notAClassifier(
            path: path.isEmpty ? description.name : path,
            reason:
                "its answer is \(outputs.joined(separator: ", ")), not one number per class; 'infer --output FILE.npz' "
                + "and the server's v2 protocol give it")
    }

    /// Loads a version from a repository, the newest unless one is named.
    ///
    /// - Parameter options: Of these, the input's size and the labels take the place of those that the repository has.
    /// - Throws: `InferenceError`, `CheckpointError`, `ModelError`, `TensorError`, `ONNXError`,
    ///   `TorchExportError`, or an error of the system.
    public convenience init(
        _ name: String, version: Int? = nil, precision: Precision = .float32, in repository: ModelRepository,
        preparedWeights: PreparedWeights? = nil, options: GraphModelOptions = GraphModelOptions()
    ) throws {
        try self.init(
            ModelSource(name, version: version, precision: precision, in: repository, options: options),
            preparedWeights: preparedWeights)
    }

    /// Loads a weights file by its content.
    ///
    /// - Parameters:
    ///   - name: The model's name in answers.
    ///   - description: What to hold of the model; by default, what its architecture or its file says.
    ///   - options: What the file leaves open, where there is no description.
    /// - Throws: As the other initialiser does.
    public convenience init(
        weights path: String, name: String, description: ModelDescription? = nil,
        options: GraphModelOptions = GraphModelOptions()
    ) throws {
        try self.init(ModelSource(weights: path, name: name, description: description, options: options))
    }

    /// Loads what was found before.
    ///
    /// - Throws: As the other initialisers do.
    package convenience init(_ source: ModelSource, preparedWeights: PreparedWeights? = nil) throws {
        if let file = GraphFile(recognising: source.path) {
            try self.init(
                file: file, name: source.name, description: source.description, version: source.version,
                precision: source.precision, preparedWeights: preparedWeights, options: source.options)
        } else {
            try self.init(
                checkpoint: Checkpoint.open(path: source.path), path: source.path, name: source.name,
                description: source.description, version: source.version, preparedWeights: preparedWeights,
                options: source.options)
        }
    }

    /// Weights whose network is known by their names.
    private init(
        checkpoint: Checkpoint, path: String, name: String, description: ModelDescription?, version: Int,
        preparedWeights: PreparedWeights?, options: GraphModelOptions
    ) throws {
        let weights = checkpoint.stateDict
        let recognised =
            try description.map { try RecognisedArchitecture(described: $0.architecture, in: weights) }
            ?? options.architecture.map { try RecognisedArchitecture(named: $0, in: weights) }
            ?? RecognisedArchitecture(in: weights, checkpoint.summary, path: path)
        let architecture = recognised.architecture
        var options = options
        if options.statedLabels.isEmpty { options.statedLabels = checkpoint.summary.classNames }
        let unfit =
            description == nil && options.labels == nil && !options.statedLabels.isEmpty
            && options.statedLabels.count != architecture.classes
        let description =
            description?.with(options) ?? ModelDescription(defaultsFor: architecture, name: name, options: options)
        let network = try architecture.makeNetwork(weights)
        self.description = description
        self.version = version
        precision = .float32
        self.path = path
        self.network = .architecture(architecture)
        notes =
            recognised.notes
            + (unfit
                ? [
                    "the \(options.statedLabels.count) names in '\(checkpoint.summary.classNamesPlace)' do not fit "
                        + "\(architecture.classes) classes and are left out; --labels FILE gives others"
                ] : [])
        plan = try Self.plan(network, architecture, description, path: path, preparedWeights)
        preprocessor = try Preprocessor(description.input)
        guard plan.outputShape == [description.labels.count] else {
            throw InferenceError.wrongClassCount(
                path: path, labels: description.labels.count, classes: plan.outputShape.elementCount)
        }
    }

    /// The plan of a network whose input may have another size than its library's.
    private static func plan(
        _ network: any Network, _ architecture: Architecture, _ description: ModelDescription, path: String,
        _ preparedWeights: PreparedWeights?
    ) throws -> Plan {
        let (expected, actual) = (architecture.inputShape, description.inputShape)
        func mismatch() -> InferenceError {
            .wrongInputShape(path: path, expected: "\(expected)", actual: "\(actual)")
        }
        guard expected[0] == actual[0] else { throw mismatch() }
        do {
            // What may be left over was looked at when the network was chosen.
            return try Plan(network, input: actual, weights: preparedWeights, allowUnused: .any)
        } catch is WiringError where expected != actual {
            throw mismatch()
        }
    }

    /// A file that has its own network.
    private init(
        file: GraphFile, name: String, description: ModelDescription?, version: Int, precision: Precision,
        preparedWeights: PreparedWeights?, options: GraphModelOptions
    ) throws {
        let known = description?.with(options)
        let (graph, labels) = try file.read(size: known.map(\.input.size) ?? options.size)
        var description =
            try known
            ?? ModelDescription(defaultsFor: graph, file: file, name: name, labels: labels, options)
        if description.input.preprocessing == .tensors, options.size != nil {
            description.input.tensors = try ModelDescription.tensors(of: graph, path: file.path)
        }
        plan = try Plan(graph, weights: preparedWeights)
        try Self.check(plan, description, path: file.path)
        self.description = description
        self.version = version
        self.precision = precision
        path = file.path
        notes = []
        network = .graph(file)
        preprocessor = try Preprocessor(description.input)
    }

    private static func check(_ plan: Plan, _ description: ModelDescription, path: String) throws {
        if description.input.preprocessing == .tensors { return try checkTensors(plan, description, path: path) }
        guard plan.inputs.count == 1, plan.inputShape == description.inputShape, plan.inputs[0].elementType == .float32
        else {
            let actual = plan.inputs.map { "\($0.elementType.rawValue) \($0.shape)" }.joined(separator: ", ")
            throw InferenceError.wrongInputShape(
                path: path, expected: actual, actual: "f32 \(description.inputShape)")
        }
        if description.labels.isEmpty { return }
        guard plan.outputs.count == 1, plan.outputs[0].elementType == .float32,
            plan.outputShape.elementCount == description.labels.count
        else {
            throw InferenceError.wrongClassCount(
                path: path, labels: description.labels.count, classes: plan.outputShape.elementCount)
        }
    }

    private static func checkTensors(_ plan: Plan, _ description: ModelDescription, path: String) throws {
        let tensors = description.input.tensors
        let isAlike =
            plan.inputs.count == tensors.count
            && zip(plan.inputs, tensors).allSatisfy { port, tensor in
                port.name.utf8.elementsEqual(tensor.name.utf8) && port.elementType == .float32
                    && port.shape.dimensions == tensor.shape
            }
        guard isAlike else {
            let actual = plan.inputs.map { "'\($0.name)' \($0.elementType.rawValue) \($0.shape)" }
            throw InferenceError.wrongInputShape(
                path: path, expected: actual.joined(separator: ", "), actual: description.input.shownTensors)
        }
        if !description.labels.isEmpty {
            throw InferenceError.unfitInputs(
                path: path,
                reason: "it takes \(tensors.count) inputs, which are no pictures: there are no classes to name")
        }
    }

    /// The network's graph as it comes, before any pass: for those who look at plans.
    ///
    /// - Throws: What reading the file again throws; `InferenceError.invalidPreparedModels` if the weights' file is not known.
    public func readGraph() throws -> Graph {
        switch network {
        case .graph(let file): try file.read(size: description.input.size).graph
        case .architecture(let architecture):
            try Graph(
                architecture.makeNetwork(Checkpoint.open(path: path).stateDict), input: description.inputShape,
                allowUnused: .any)
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
    /// - Throws: What `Plan.init` throws; `InferenceError.wrongClassCount` if there are more or fewer labels than answers,
    ///   `.takesTensors` for a preprocessor that prepares no pictures.
    public init(
        _ network: some Network, name: String = "network", preprocessor: Preprocessor, labels: [String],
        activation: ModelDescription.Output.Activation = .softmax, allowUnused: UnusedWeights = []
    ) throws {
        let input = preprocessor.input
        try input.checkTakesPictures()
        plan = try Plan(network, input: [input.channels, input.height, input.width], allowUnused: allowUnused)
        description = ModelDescription(
            schema: 1, name: name, architecture: NetworkSource.wired.name, description: nil, input: input,
            output: .init(activation: activation), labels: labels, versions: [:])
        try Self.check(plan, description, path: name)
        version = 0
        precision = .float32
        path = ""
        notes = []
        self.network = .wired
        self.preprocessor = preprocessor
    }

    /// Takes a model whose weights were prepared before, for the same network and kernels: no weights are read.
    ///
    /// - Throws: `InferenceError.invalidPreparedModels` if description and network don't fit, `KernelError`, and for a file
    ///   that has its own network, what reading it throws.
    init(
        description: ModelDescription, version: Int, precision: Precision, network: NetworkSource,
        preparedWeights: PreparedWeights
    ) throws {
        switch network {
        case .architecture(let architecture):
            guard description.labels.count == architecture.classes else {
                throw InferenceError.invalidPreparedModels(reason: "'\(description.name)' is no \(architecture.name)")
            }
            plan = try Self.plan(
                architecture.makeNetworkWithoutWeights(), architecture, description, path: description.name,
                preparedWeights)
        case .graph(let file):
            let graph = try file.read(size: description.input.size).graph
            plan = try Plan(graph, weights: preparedWeights)
            try Self.check(plan, description, path: file.path)
        case .wired: throw InferenceError.wiredByProgram(model: description.name)
        }
        self.description = description
        self.version = version
        self.precision = precision
        path = ""
        notes = []
        self.network = network
        preprocessor = try Preprocessor(description.input)
    }
}
