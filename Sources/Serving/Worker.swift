// SPDX-License-Identifier: MIT

import API
import Fleet
import HTTP
import Images
import Inference
import SystemCalls
import Transport

/// A process that answers requests: one event loop and its inference threads. Both modes run it; they differ in how
/// many of them there are and how many threads each has.
package struct Worker {
    private let configuration: ServerConfiguration
    private let slot: Int
    private let threads: Int
    private let channel: FleetChannel
    private let models: FileDescriptor
    private let fleet: FleetStatistics
    private let listenerCount: Int
    private let metricsListenerCount: Int
    /// The text of the key file; nil if the server is open to all.
    private let keys: [UInt8]?

    /// Takes over what the supervisor gave this process.
    ///
    /// - Throws: ``WorkerError/startedByHand`` if no supervisor did, `SystemError`, or ``ConfigurationError``.
    package init(environment: (String) -> String?) throws {
        func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int {
            guard let value = environment(name).flatMap({ Int($0) }), range.contains(value) else {
                throw WorkerError.startedByHand
            }
            return value
        }
        guard let text = environment(WorkerEnvironment.Variable.configuration) else { throw WorkerError.startedByHand }
        slot = try number(WorkerEnvironment.Variable.slot, 0...(FleetStatistics.slotCount - 1))
        threads = try number(WorkerEnvironment.Variable.threads, 1...FleetLimits.maxThreads)
        listenerCount = try number(WorkerEnvironment.Variable.listeners, 0...FleetLimits.maxAddresses)
        metricsListenerCount = try number(
            WorkerEnvironment.Variable.metricsListeners, 0...FleetLimits.maxAddresses)
        var configuration = ServerConfiguration()
        try configuration.apply(text: text)
        self.configuration = configuration
        channel = FleetChannel(FileDescriptor(owning: WorkerEnvironment.Descriptor.channel))
        models = FileDescriptor(owning: WorkerEnvironment.Descriptor.models)
        fleet = try FleetStatistics(mapping: FileDescriptor(owning: WorkerEnvironment.Descriptor.statistics))
        if environment(WorkerEnvironment.Variable.hasKeys) == nil {
            keys = nil
        } else {
            let file = try MappedFile(
                descriptor: FileDescriptor(owning: WorkerEnvironment.Descriptor.keys), subject: "the keys")
            keys = withExtendedLifetime(file) { Array(file.bytes) }
        }
    }

    /// Serves until the supervisor says to stop or is gone.
    ///
    /// - Returns: The exit code.
    package func run() -> Int32 {
        // A signal to the whole group means the supervisor: it tells the workers what to do. If it ends, they learn that by
        // their channel.
        for signal in [
            SignalNumber.interrupt, SignalNumber.hangUp, SignalNumber.pipe, SignalNumber.terminalInput,
            SignalNumber.terminalOutput, SignalNumber.user1, SignalNumber.user2, SignalNumber.windowChange,
        ] {
            SignalSource.ignore(signal)
        }
        do {
            let signals = try SignalSource([SignalNumber.terminate])
            CurrentProcess.raiseDescriptorLimit()
            let service = try makeService()
            let statistics = WorkerStatistics(fleet: fleet, slot: slot)
            let server = try Server(
                listeners: takeListeners(listenerCount),
                metricsListeners: takeListeners(metricsListenerCount, after: listenerCount), service: service,
                limits: configuration.transportLimits,
                policy: try policy(), threads: threads, statistics: statistics,
                log: try makeLog(statistics))
            try connect(server, signals, statistics)
            channel.send(.ready(Self.summary(service)))
            try server.run()
            return 0
        } catch {
            channel.send(.failed("\(error)"))
            return 1
        }
    }

    /// The listening sockets. The event loop is to be their only owner, so that they close when it drains.
    private func takeListeners(_ count: Int, after first: Int = 0) -> [FileDescriptor] {
        (first..<(first + count)).map {
            FileDescriptor(owning: WorkerEnvironment.Descriptor.firstListener + Int32($0))
        }
    }

    /// Maps the models that were prepared for all workers.
    private func makeService() throws -> ModelService {
        let block = try MappedFile(descriptor: models, subject: "the prepared models")
        return ModelService(
            try PreparedModels(mapping: block.bytes, owner: block).models,
            limits: ImageLimits(maxPixels: configuration.maxPixels),
            maxDecodedBytes: configuration.maxDecodedBytes)
    }

    /// What clients are allowed, and what they are told of this server.
    private func policy() throws -> API.Policy {
        var policy = try configuration.policy(keys: keys)
        policy.layout = (configuration.mode.rawValue, threads)
        return policy
    }

    private func makeLog(_ statistics: WorkerStatistics) throws -> AccessLog? {
        try configuration.accessLog.map { path in
            let descriptor = path == "-" ? .standardOutputNotBlocking() : try FileDescriptor.appending(to: path)
            return AccessLog(
                descriptor, path: path == "-" ? nil : path, format: configuration.logFormat,
                proxies: configuration.forwardedAllowIPs, statistics: statistics)
        }
    }

    /// Wires the supervisor's channel, the signal and the heartbeat to the event loop.
    private func connect(_ server: Server, _ signals: SignalSource, _ statistics: WorkerStatistics) throws {
        let (channel, control) = (channel, server.control)
        let drain = Drain(control: control)
        // One that is told to end by its number asks to be replaced first.
        try server.watch(signals.descriptor) { while signals.next() != nil { channel.send(.recycle) } }
        try server.watch(channel.descriptor) {
            while let input = channel.receive() {
                switch input {
                case .message(.drain): drain.begin(limit: nil)
                case .message(.unloadable(let model, let problem)): server.noteUnloadable(model, problem)
                case .message(.reply(let request, let problem)): server.finishCommand(request, problem: problem)
                case .message(.busy(let request)): server.postponeCommand(request)
                case .message(.reopenLog): server.reopenLog()
                case .message: break
                case .connection(let handed): server.adopt(handed)
                // Without a supervisor nobody would replace this worker or end it: it finishes what it has, soon.
                case .end: return drain.begin(limit: 1_500_000_000)
                }
            }
        }
        server.sendCommand = { number, command in
            switch command {
            case .load(let model): channel.send(.load(request: number, model: model))
            case .unload(let model): channel.send(.unload(request: number, model: model))
            case .use(let model, let version): channel.send(.use(request: number, model: "\(model)@\(version)"))
            }
        }
        server.giveAway = { channel.send($0) }
        watchOver(server, drain, statistics)
    }

    /// Writes the heartbeat, and asks for a successor when it is time.
    private func watchOver(_ server: Server, _ drain: Drain, _ statistics: WorkerStatistics) {
        let (channel, configuration) = (channel, configuration)
        let recycleAt =
            configuration.maxRequests == 0
            ? Int.max
            : configuration.maxRequests + Int.random(in: 0...configuration.maxRequestsJitter)
        var (hasAsked, isStuck) = (false, false)
        // Work stops when its time is up. What goes on for as long again does not stop by itself.
        let stuckAfter = 2 * UInt64(configuration.timeout) * 1_000_000_000
        server.idleMilliseconds = min(1000, configuration.timeout * 250)
        server.onTick = { now in
            drain.check(now)
            statistics.set(.heartbeat, to: Int(SystemClock.monotonicNanoseconds() / 1_000_000))
            if !isStuck, server.longestRun(now) > stuckAfter {
                isStuck = true
                channel.send(.stuck)
            }
            if !hasAsked, server.requestCount >= recycleAt {
                hasAsked = true
                channel.send(.recycle)
            }
        }
        statistics.set(.heartbeat, to: Int(SystemClock.monotonicNanoseconds() / 1_000_000))
    }

    /// What is served, for the banner.
    private static func summary(_ service: ModelService) -> String {
        let models = service.models.map { "\($0.name) version \($0.version)" }.joined(separator: ", ")
        return "models: \(models)\u{1F}kernels: \(service.kernels)"
    }
}

/// Why a worker can't start.
package enum WorkerError: Error, Equatable, Sendable, CustomStringConvertible {
    case startedByHand

    package var description: String {
        "workers are started by 'swiftnet serve', not by hand"
    }
}

/// Draining with a limit of time.
private final class Drain {
    private let control: EventLoop.Control
    private var deadline: UInt64?

    init(control: EventLoop.Control) {
        self.control = control
    }

    func begin(limit: UInt64?) {
        if let limit, deadline == nil { deadline = SystemClock.monotonicNanoseconds() + limit }
        control.drain()
    }

    func check(_ now: UInt64) {
        if let deadline, now > deadline { control.stopNow() }
    }
}
