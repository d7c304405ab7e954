// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// The process that starts the workers, watches them and replaces them. It answers no request and loads no model.
///
/// A reload starts a second set of workers with the new settings and weights, and lets the first set finish only when the
/// second serves. The listening sockets are the supervisor's, so no connection is lost between them.
package final class Supervisor {
    /// Where a worker is in its life.
    enum State: Equatable {
        case starting, ready, draining
    }

    /// A worker as the supervisor knows it.
    struct Record {
        let process: ChildProcess
        let slot: Int
        let generation: Int
        let channel: FleetChannel
        let startedAt: UInt64
        var state = State.starting
        /// When it is killed if it is still there.
        var killAt: UInt64?
        /// The worker that this one is to replace.
        var replaces: ChildProcess?
        var problem: String?
    }

    /// The process that prepares a generation's models.
    struct Preparation {
        let process: ChildProcess
        let channel: FleetChannel
        let models: FileDescriptor
        let startedAt: UInt64
    }

    /// What a set of workers has in common.
    package struct Generation {
        var configuration: ServerConfiguration
        var listeners: [Listener]
        /// How many workers there should be, and the inference threads of each.
        package var wanted: Int
        package let threads: Int
        /// The models, once they are prepared.
        var models: FileDescriptor?
        /// Who asked for it, if it was a client.
        var client: Client?
    }

    /// Who waits for a reload to end.
    struct Client {
        let worker: ChildProcess
        let request: Int
    }

    /// What the supervisor is busy with, besides watching.
    enum Phase: Equatable {
        case booting
        case serving
        /// A second set of workers is starting.
        case reloading
        /// Readiness is off; draining begins at the given time.
        case leaving(drainAt: UInt64)
        case draining
    }

    /// The workers that serve, or are the first to start; and those of a reload that is under way.
    package internal(set) var current: Generation
    var next: Generation?
    let cores: Int
    /// Whether the sockets are the service manager's.
    let areSocketsInherited: Bool
    let source: FleetSource
    let report: (String) -> Void
    let fleet: FleetStatistics
    let signals: SignalSource
    private let epoll: Epoll
    /// The sockets in the file system, once the supervisor has given its listeners away.
    var socketPaths: [OwnedPath] = []

    var workers: [ChildProcess: Record] = [:]
    var preparation: Preparation?
    var phase = Phase.booting
    var generation = 1
    var reloadAgain = false
    /// The model that the last reload could not load, and why.
    var unloadable: (model: String, problem: String)?
    var recycling: [ChildProcess] = []
    /// When the next worker may be started after one that died young, and how long the wait was.
    var respawnAt: UInt64 = 0
    var backOff: UInt64 = 0
    var exitCode: Int32?
    var now = SystemClock.monotonicNanoseconds()
    /// Called once, when the first set of workers serves, with what they said.
    package var onReady: ((String) -> Void)?
    /// Called when a reload begins (nil) and when it has ended, with what went wrong, which is empty if nothing did.
    package var onReload: ((String?) -> Void)?
    private var events: [Epoll.Event] = []

    /// - Parameters:
    ///   - configuration: The settings, checked.
    ///   - cores: Usable processors.
    ///   - inherited: Sockets that listen already, from systemd for example; if empty, the configuration's are opened.
    ///   - source: What the supervisor asks of the rest of the server.
    ///   - report: Takes a line for the operator.
    /// - Throws: `SystemError`, where an address is in use for example.
    package init(
        configuration: ServerConfiguration, cores: Int, inherited: [FileDescriptor],
        source: FleetSource, report: @escaping (String) -> Void
    ) throws {
        self.cores = cores
        self.source = source
        self.report = report
        let layout = configuration.layout(cores: cores)
        areSocketsInherited = !inherited.isEmpty
        let listeners =
            try inherited.isEmpty
            ? Self.listeners(configuration.addresses, besides: [])
            : inherited.map { Listener(address: nil, descriptor: $0) }
        current = Generation(
            configuration: configuration, listeners: listeners, wanted: layout.workers, threads: layout.threads)
        fleet = try FleetStatistics()
        signals = try SignalSource([
            SignalNumber.child, SignalNumber.hangUp, SignalNumber.interrupt, SignalNumber.terminate,
            SignalNumber.terminalInput, SignalNumber.terminalOutput,
        ])
        SignalSource.ignore(SignalNumber.pipe)
        epoll = try Epoll()
        try epoll.add(signals.descriptor, token: 0, .readable)
    }

    /// The memory of each worker that serves, shared pages divided.
    package var proportionalBytes: [Int] { serving.compactMap(\.process.proportionalBytes) }

    /// Runs until the fleet has ended.
    ///
    /// - Returns: The exit code.
    package func run() -> Int32 {
        prepare(current.configuration)
        while true {
            do {
                try epoll.wait(&events, timeoutMilliseconds: 50)
            } catch {
                report("the supervisor can't wait for its workers: \(error)")
                killAll()
                return 1
            }
            now = SystemClock.monotonicNanoseconds()
            while let signal = signals.next() { handle(signal) }
            for record in workers.values { hear(record.process) }
            reap()
            if let exitCode, workers.isEmpty, preparation == nil { return exitCode }
            tick()
        }
    }

    // MARK: Starting

    /// Starts the process that prepares the models of the present generation; its workers follow when it is done.
    func prepare(_ configuration: ServerConfiguration) {
        do {
            let (ours, theirs) = try FileDescriptor.messageChannel()
            let models = try FileDescriptor.unfilledMemory(name: "swiftnet-models")
            let process = try ChildProcess(
                executable: CurrentProcess.executable, arguments: ["swiftnet", "serve-worker"],
                environment: environment(configuration) + ["\(WorkerEnvironment.Variable.role)=prepare"],
                descriptors: [
                    (theirs, WorkerEnvironment.Descriptor.channel), (models, WorkerEnvironment.Descriptor.models),
                ])
            preparation = Preparation(
                process: process, channel: FleetChannel(ours), models: models, startedAt: now)
        } catch {
            preparationFailed("\(error)")
        }
    }

    /// Starts the workers of the models that have been prepared, or gives the generation up.
    private func preparationEnded(_ preparation: Preparation, _ ending: ChildProcess.Ending) {
        guard exitCode == nil else { return }
        guard ending == .exited(0) else {
            var problem = "preparing the models ended with \(ending)"
            while case .message(let message)? = preparation.channel.receive() {
                if case .failed(let text) = message { problem = text }
                if case .unloadable(let model, let text) = message {
                    problem = text
                    if phase == .reloading { unloadable = (model, text) }
                }
            }
            return preparationFailed(problem)
        }
        if next == nil { current.models = preparation.models } else { next?.models = preparation.models }
        let newest = newest
        for _ in 0..<newest.wanted { start(newest) }
    }

    /// The generation that is being started, or the one that serves.
    var newest: Generation { next ?? current }

    /// Starts a worker.
    ///
    /// - Returns: The worker; nil if the system refused, which counts as a worker that died at once.
    @discardableResult
    func start(_ set: Generation, replaces: ChildProcess? = nil) -> ChildProcess? {
        let taken = Set(workers.values.map(\.slot))
        guard let models = set.models,
            let slot = (0..<FleetStatistics.slotCount).first(where: { !taken.contains($0) })
        else { return nil }
        do {
            let (ours, theirs) = try FileDescriptor.messageChannel()
            let process = try ChildProcess(
                executable: CurrentProcess.executable, arguments: ["swiftnet", "serve-worker"],
                environment: environment(set.configuration) + [
                    "\(WorkerEnvironment.Variable.slot)=\(slot)",
                    "\(WorkerEnvironment.Variable.threads)=\(set.threads)",
                    "\(WorkerEnvironment.Variable.listeners)=\(set.listeners.count)",
                ],
                descriptors: [
                    (theirs, WorkerEnvironment.Descriptor.channel), (models, WorkerEnvironment.Descriptor.models),
                    (fleet.descriptor, WorkerEnvironment.Descriptor.statistics),
                ]
                    + set.listeners.enumerated().map {
                        ($1.descriptor, WorkerEnvironment.Descriptor.firstListener + Int32($0))
                    })
            let channel = FleetChannel(ours)
            try epoll.add(ours, token: UInt64(process.id), .readable)
            fleet[.slotsInUse] = max(fleet[.slotsInUse], UInt64(slot + 1))
            workers[process] = Record(
                process: process, slot: slot, generation: generation, channel: channel, startedAt: now,
                replaces: replaces)
            return process
        } catch {
            report("a worker could not be started: \(error)")
            slowDown()
            return nil
        }
    }

    private func environment(_ configuration: ServerConfiguration) -> [String] {
        let own = [
            "SWIFTNET_WORKER_", "SWIFTNET_DAEMON_CHANNEL=", "SWIFT_BACKTRACE=", "OPENBLAS_NUM_THREADS=", "LISTEN_FDS=",
            "LISTEN_PID=",
            "NOTIFY_SOCKET=",
        ]
        return ProcessEnvironment.variables.filter { variable in !own.contains { variable.hasPrefix($0) } } + [
            "\(WorkerEnvironment.Variable.configuration)=\(configuration.text)",
            // Each worker has its own inference threads; the library's would only fight with them.
            "OPENBLAS_NUM_THREADS=1",
            // A crashed worker must let go of its sockets at once.
            "SWIFT_BACKTRACE=enable=no",
        ]
    }

    /// Doubles the wait before the next worker.
    func slowDown() {
        backOff = min(max(backOff * 2, 100_000_000), 5_000_000_000)
        respawnAt = now + backOff
    }

    // MARK: Hearing

    /// Reads what a worker says.
    private func hear(_ process: ChildProcess) {
        while let record = workers[process], let input = record.channel.receive() {
            guard case .message(let message) = input else { return }
            switch message {
            case .ready(let summary): becameReady(process, summary)
            case .failed(let problem): workers[process]?.problem = problem
            case .recycle: if !recycling.contains(process) { recycling.append(process) }
            case .load(let request, let model): change(Client(worker: process, request: request), load: model)
            case .unload(let request, let model): change(Client(worker: process, request: request), unload: model)
            case .reply, .busy, .drain, .unloadable: break
            }
        }
    }

    private func becameReady(_ process: ChildProcess, _ summary: String) {
        guard workers[process]?.state == .starting else { return }
        workers[process]?.state = .ready
        if let old = workers[process]?.replaces { drain(old) }
        countReady()
        if let unloadable {
            workers[process]?.channel.send(.unloadable(model: unloadable.model, problem: unloadable.problem))
        }
        switch phase {
        case .booting where serving.count == current.wanted:
            phase = .serving
            onReady?(summary)
            reloadOnceMore()
        case .reloading: finishReloadIfReady()
        case .leaving, .draining: drain(process)
        default: break
        }
    }

    /// The workers that serve and belong to the present generation.
    var serving: [Record] { workers.values.filter { $0.state == .ready && $0.generation == generation } }

    func countReady() {
        fleet[.readyWorkers] = UInt64(workers.values.count { $0.state == .ready })
    }

    // MARK: Ending

    /// Tells a worker to finish and end, and sets its last hour.
    func drain(_ process: ChildProcess) {
        guard let record = workers[process], record.state != .draining else { return }
        workers[process]?.state = .draining
        workers[process]?.killAt = now + UInt64(current.configuration.gracefulTimeout) * 1_000_000_000
        record.channel.send(.drain)
        countReady()
    }

    func killAll() {
        for process in workers.keys { process.send(SignalNumber.kill) }
        preparation?.process.send(SignalNumber.kill)
    }

    /// Takes note of the processes that have ended, those of strangers too: the supervisor may be process 1.
    private func reap() {
        while let (process, ending) = ChildProcess.reapAny() {
            if let preparation, preparation.process == process {
                self.preparation = nil
                preparationEnded(preparation, ending)
                continue
            }
            hear(process)
            guard let record = workers.removeValue(forKey: process) else { continue }
            try? epoll.remove(record.channel.descriptor)
            fleet.clearGauges(slot: record.slot)
            recycling.removeAll { $0 == process }
            countReady()
            ended(record, ending)
        }
    }
}
