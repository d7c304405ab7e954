// SPDX-License-Identifier: MIT

import Fleet
import Inference
import SystemCalls

/// A process that loads the models once, writes them into memory that all workers map, and ends. So a model that can't be
/// loaded does no harm to a worker, and the supervisor stays free of models.
package struct Preparer {
    private let configuration: ServerConfiguration
    private let channel: FleetChannel
    private let memory: FileDescriptor
    /// The models that the server serves already.
    private let serving: [String]

    /// Whether the supervisor started this process for it.
    package static func isWanted(environment: (String) -> String?) -> Bool {
        environment(WorkerEnvironment.Variable.role) == "prepare"
    }

    /// Takes over what the supervisor gave this process.
    ///
    /// - Throws: ``WorkerError/startedByHand`` if no supervisor did, or ``ConfigurationError``.
    package init(environment: (String) -> String?) throws {
        guard let text = environment(WorkerEnvironment.Variable.configuration) else { throw WorkerError.startedByHand }
        var configuration = ServerConfiguration()
        try configuration.apply(text: text)
        self.configuration = configuration
        channel = FleetChannel(FileDescriptor(owning: WorkerEnvironment.Descriptor.channel))
        memory = FileDescriptor(owning: WorkerEnvironment.Descriptor.models)
        serving = (environment(WorkerEnvironment.Variable.serving) ?? "").split(separator: "/").map(String.init)
    }

    /// Loads and writes the models.
    ///
    /// - Returns: The exit code.
    package func run() -> Int32 {
        // A signal to the whole group means the supervisor, who ends this process when that is right.
        for signal in [SignalNumber.terminate, SignalNumber.interrupt, SignalNumber.hangUp] {
            SignalSource.ignore(signal)
        }
        do {
            let models = try ModelService.load(
                configuration.models, precision: Precision(rawValue: configuration.precision.rawValue) ?? .float32,
                from: configuration.repository(), serving: serving,
                skip: { channel.send(.unloadable(model: $0, problem: $1)) })
            try ModelService.checkDigitModel(configuration.digitModel, among: models)
            let plan = try PreparedModels.layout(of: models)
            try memory.fillOnce(byteCount: plan.byteCount) { plan.write(to: $0) }
            for model in models { channel.send(.prepared(model: model.description.name)) }
            return 0
        } catch ModelServiceError.unloadable(let model, let problem) {
            channel.send(.unloadable(model: model, problem: problem))
            return 1
        } catch {
            channel.send(.failed("\(error)"))
            return 1
        }
    }
}
