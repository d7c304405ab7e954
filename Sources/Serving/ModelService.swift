// SPDX-License-Identifier: MIT

import Images
import Inference
import Protocols
import SystemCalls
import Text

/// The models of a repository, loaded, as the server serves them.
package final class ModelService: InferenceService {
    package let models: [ServedModel]
    private let loaded: [LoadedModel]
    private let limits: ImageLimits
    private let budget: DecodingBudget

    /// - Parameters:
    ///   - loaded: The models, at least one.
    ///   - limits: What an image may take.
    ///   - maxDecodedBytes: What the images of all threads may take together while they are decoded.
    package init(_ loaded: [LoadedModel], limits: ImageLimits, maxDecodedBytes: Int) {
        self.loaded = loaded
        self.limits = limits
        budget = DecodingBudget(total: maxDecodedBytes)
        models = loaded.map(ServedModel.init)
    }

    /// Loads the newest version of each model, or the version that is named.
    ///
    /// A model that was only found, and can't be loaded, is left out: the others serve. One that is named, or serves
    /// already, must be loaded, and so must one at least.
    ///
    /// - Parameters:
    ///   - precision: Which file of each version.
    ///   - names: Which models; `name` or `name@version`. All of the repository if empty.
    ///   - serving: The names of the models that serve already.
    ///   - skip: Is told of each that is left out, and why.
    /// - Throws: `ModelServiceError`, for the first model that can't be loaded too.
    package static func load(
        _ names: [String], precision: Precision = .float32, from repository: ModelRepository, serving: [String] = [],
        skip: (_ model: String, _ problem: String) -> Void = { _, _ in }
    ) throws -> [LoadedModel] {
        let wanted = try names.isEmpty ? repository.modelNames() : names
        if wanted.isEmpty { throw ModelServiceError.noModels(repository: repository.path) }
        var models: [LoadedModel] = []
        var skipped: [(model: String, problem: String)] = []
        for text in wanted {
            var name = text
            do {
                let version: Int?
                (name, version) = try nameAndVersion(text)
                models.append(try LoadedModel(name, version: version, precision: precision, in: repository))
            } catch {
                // Clients are told, too: where the repository lies is not for them.
                let problem = "\(error)".withoutText(" in \(repository.path)").withoutText("\(repository.path)/")
                guard names.isEmpty, !serving.contains(where: { haveSameBytes($0, text) }) else {
                    throw ModelServiceError.unloadable(model: name, problem: problem)
                }
                skipped.append((text, problem))
            }
        }
        if models.isEmpty, let first = skipped.first {
            throw ModelServiceError.unloadable(model: first.model, problem: first.problem)
        }
        for (model, problem) in skipped { skip(model, problem) }
        return inOrder(models)
    }

    /// The parts of `name` or `name@version`.
    ///
    /// - Throws: `ModelServiceError.badVersion`.
    static func nameAndVersion(_ text: String) throws -> (name: String, version: Int?) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return (text, nil) }
        guard let version = Int(parts[1]), version > 0 else { throw ModelServiceError.badVersion(text) }
        return (parts[0], version)
    }

    /// Models in the order in which they were named, of each the newest version first: that is what a request gets that names none.
    /// One that is named twice is served once.
    static func inOrder(_ models: [LoadedModel]) -> [LoadedModel] {
        var names: [String] = []
        for model in models where !names.contains(where: { haveSameBytes($0, model.description.name) }) {
            names.append(model.description.name)
        }
        return names.flatMap { name in
            var versions: [LoadedModel] = []
            for model in models where haveSameBytes(model.description.name, name) {
                if !versions.contains(where: { $0.version == model.version }) { versions.append(model) }
            }
            return versions.sorted { $0.version > $1.version }
        }
    }

    /// Makes sure that the model behind `/inference` is there and reads digits.
    ///
    /// - Parameter name: The one that the settings name; with nil there is nothing to be wrong.
    /// - Throws: `ModelServiceError.noDigitModel`.
    static func checkDigitModel(_ name: String?, among models: [LoadedModel]) throws {
        guard let name else { return }
        let digits = models.filter { $0.description.input.preprocessing == .digit }.map(\.description.name)
        if !digits.contains(where: { haveSameBytes($0, name) }) {
            throw ModelServiceError.noDigitModel(name, digits: digits)
        }
    }

    /// The kernels that this machine runs, and whose products of matrices.
    package var kernels: String { loaded.first.map { "\($0.plan.kernels.name), \($0.plan.products)" } ?? "none" }

    package func makeRunner() throws -> any InferenceRunner {
        let runner = ModelRunner(try Predictor.takingTurns(loaded, limits: limits), budget)
        for model in models.indices { try runner.warm(model) }
        return runner
    }
}

/// Why the models can't be served.
package enum ModelServiceError: Error, Equatable, Sendable, CustomStringConvertible {
    case noModels(repository: String)
    case badVersion(String)
    case notFinite(model: String)
    case noDigitModel(String, digits: [String])
    case unloadable(model: String, problem: String)

    package var description: String {
        switch self {
        case .unloadable(_, let problem): problem
        case .noModels(let repository):
            "there is no model in \(repository); 'swiftnet add NAME FILE' adds one, --weights names another repository"
        case .badVersion(let text): "'\(text)': expected a model's name, or name@version with a version from 1 up"
        case .noDigitModel(let name, let digits):
            "digit-model: '\(name)' is no model for digits that is served; expected "
                + (digits.isEmpty ? "one, but none is served" : digits.joined(separator: " or "))
        case .notFinite(let model): "the model '\(model)' answers a grey input with numbers that are not finite"
        }
    }
}

extension ServedModel {
    /// What the server tells of a loaded model.
    fileprivate init(_ model: LoadedModel) {
        let description = model.description
        let precision = model.precision == .float32 ? nil : model.precision.rawValue
        guard model.takesPictures else {
            self.init(
                name: description.name, version: String(model.version), architecture: model.network.name,
                inputs: model.plan.inputs.map { ($0.name, $0.shape.dimensions) },
                outputs: model.plan.outputs.map { ($0.name, $0.shape.dimensions) }, loweredPrecision: precision)
            return
        }
        let isRotation = Rotation.areDegrees(description.labels)
        self.init(
            name: description.name, version: String(model.version), architecture: model.network.name,
            task: !model.isClassifier
                ? .tensors
                : description.input.preprocessing == .digit ? .digits : isRotation ? .rotation : .classification,
            inputName: model.plan.inputs[0].name, inputShape: description.inputShape.dimensions,
            inputOrder: description.input.layout == .nhwc ? .channelsLast : .channelsFirst, labels: description.labels,
            outputs: model.namedOutputs.map {
                ($0.name, model.isClassifier ? [description.labels.count] : $0.shape.dimensions)
            }, loweredPrecision: precision)
    }
}
