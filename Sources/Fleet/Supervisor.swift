// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// The process that starts the workers, watches them and replaces them. It answers no request and loads no model.
///
/// A reload starts a second set of workers with the new settings and weights, and lets the first set finish only when the
/// second serves. The listening sockets are the supervisor's, so no connection is lost between them.
package final class Supervisor {
    /// Who waits for a reload to end.
    struct Client {
        let worker: ChildProcess
        let request: Int
    }

    /// A second set of workers that is starting.
    struct Reload {
        var next: Generation
        /// Who asked for it, if it was a client.
        let client: Client?
        /// What the client asked for.
        let change: ModelChange?
        /// Whether another reload has been asked for meanwhile.
        var isAnotherWanted = false
    }

    /// Another supervisor that listens at the same sockets, until it has ended.
    enum Peer {
        /// The older one.
        case predecessor(Successor.Predecessor)
        /// The newer one.
        case successor(Successor, SuccessorState)
    }

    /// How far the newer supervisor has come.
    enum SuccessorState {
        case starting
        /// Both supervisors' workers serve.
        case serving
        /// Only the newer one's do: this one has sent its own away, which were so many.
        case servingAlone(restingWorkers: Int)
    }

    /// What the supervisor is busy with, besides watching.
    enum Phase {
        /// The first set of workers is starting; a reload may have been asked for, to follow.
        case booting(isReloadWanted: Bool)
        case serving
        case reloading(Reload)
        /// Readiness is off; draining begins at the given time.
        case leaving(drainAt: UInt64)
        /// The workers end, and then the supervisor, with this exit code.
        case draining(exitCode: Int32)
    }

    /// The workers that serve, or are the first to start.
    package internal(set) var current: Generation
    var phase = Phase.booting(isReloadWanted: false)
    var lastGeneration = 1
    let cores: Int
    /// Whether the sockets are the service manager's.
    let areSocketsInherited: Bool
    let source: FleetSource
    let log: ErrorLog
    /// Tells whoever waits for the start of a problem.
    let tellLauncher: (String) -> Void
    let fleet: FleetStatistics
    let signals: SignalSource
    let epoll: Epoll
    /// The sockets in the file system, once the supervisor has given its listeners away.
    var socketPaths: [OwnedPath] = []

    var workers: [ChildProcess: WorkerRecord] = [:]
    var recycling: [ChildProcess] = []
    /// When the next worker may be started after one that died young, and how long the wait was.
    var respawnAt: UInt64 = 0
    var backOff: UInt64 = 0
    var now = SystemClock.monotonicNanoseconds()
    var peer: Peer?
    /// Called once, when the first set of workers serves, with what they said.
    package var onReady: ((String) -> Void)?
    /// Called when a reload begins (nil) and when it has ended, with what went wrong, which is empty if nothing did.
    package var onReload: ((String?) -> Void)?
    /// Called when the older supervisor has ended, and this one is alone.
    package var onAlone: (() -> Void)?
    private var events: [Epoll.Event] = []

    /// - Parameters:
    ///   - configuration: The settings, checked.
    ///   - cores: Usable processors.
    ///   - inherited: Sockets that listen already, from systemd for example; if empty, the configuration's are opened.
    ///   - predecessor: The older supervisor whose sockets are taken over, if there is one.
    ///   - source: What the supervisor asks of the rest of the server.
    ///   - log: Takes messages for the operator.
    ///   - tellLauncher: Takes a problem, for whoever waits for the start.
    /// - Throws: `SystemError`, where an address is in use for example, or what reading the keys throws.
    package init(
        configuration: ServerConfiguration, cores: Int, inherited: [FileDescriptor],
        predecessor: Successor.Predecessor?, source: FleetSource, log: ErrorLog,
        tellLauncher: @escaping (String) -> Void
    ) throws {
        self.cores = cores
        self.source = source
        self.log = log
        self.tellLauncher = tellLauncher
        peer = predecessor.map(Peer.predecessor)
        let layout = configuration.layout(cores: cores)
        areSocketsInherited = !inherited.isEmpty || predecessor?.listeners.contains { $0.address == nil } ?? false
        let keys = try source.keys(configuration)
        let given =
            inherited.map { Listener(address: nil, purpose: .requests, descriptor: $0) }
            + (predecessor?.listeners.filter { $0.address == nil } ?? [])
        var wanted = configuration
        if areSocketsInherited { wanted.bind = [] }
        let opened =
            areSocketsInherited && configuration.metricsBind.isEmpty
            ? [] : try Self.listeners(configuration, besides: predecessor?.listeners ?? [])
        current = Generation(
            number: 1, configuration: configuration, keys: try Generation.sealed(keys: keys),
            listeners: areSocketsInherited ? given + opened.filter { $0.purpose == .metrics } : opened,
            wanted: layout.workers, threads: layout.threads)
        fleet = try FleetStatistics()
        signals = try SignalSource([
            SignalNumber.child, SignalNumber.hangUp, SignalNumber.interrupt, SignalNumber.terminate,
            SignalNumber.terminalInput, SignalNumber.terminalOutput, SignalNumber.user1, SignalNumber.user2,
            SignalNumber.windowChange,
        ])
        SignalSource.ignore(SignalNumber.pipe)
        epoll = try Epoll()
        try epoll.add(signals.descriptor, token: 0, .readable)
        if let predecessor { try epoll.add(predecessor.channel.descriptor, token: 1, .readable) }
    }

    /// The memory of each worker that serves, shared pages divided.
    package var proportionalBytes: [Int] { serving.compactMap(\.process.proportionalBytes) }

    /// Whether another supervisor listens at the same sockets.
    var sharesSockets: Bool { peer != nil }

    /// Runs until the fleet has ended.
    ///
    /// - Returns: The exit code.
    package func run() -> Int32 {
        do {
            current.models = .preparing(try prepare(current))
        } catch {
            giveUpStart("\(error)")
        }
        while true {
            if case .draining(let exitCode) = phase, workers.isEmpty, current.preparation == nil { return exitCode }
            do {
                try epoll.wait(&events, timeoutMilliseconds: millisecondsUntilNextTask())
            } catch {
                log.write(.critical, "the supervisor can't wait for its workers: \(error)")
                killAll()
                return 1
            }
            now = SystemClock.monotonicNanoseconds()
            while let signal = signals.next() { handle(signal) }
            for event in events where event.token > 1 { hear(ChildProcess(id: Int32(event.token))) }
            hearPeer()
            reap()
            tick()
        }
    }

    // MARK: Hearing

    /// Reads what a worker says.
    func hear(_ process: ChildProcess) {
        while let record = workers[process], let input = record.channel.receive() {
            let message: FleetMessage
            switch input {
            case .message(let received): message = received
            case .connection(let handed):
                handOver(handed, from: record)
                continue
            case .end:
                // Its end comes by its signal.
                try? epoll.remove(record.channel.descriptor)
                return
            }
            switch message {
            case .ready(let summary): becameReady(process, summary)
            case .failed(let problem): workers[process]?.problem = problem
            case .recycle: if !recycling.contains(process) { recycling.append(process) }
            case .stuck: replaceStuck(process)
            case .load(let request, let model): change(Client(worker: process, request: request), .load(model))
            case .unload(let request, let model): change(Client(worker: process, request: request), .unload(model))
            case .use(let request, let model): change(Client(worker: process, request: request), .use(model))
            case .reply, .busy, .drain, .unloadable, .prepared, .reopenLog, .connection: break
            }
        }
    }

    private func becameReady(_ process: ChildProcess, _ summary: String) {
        guard let record = workers[process], case .starting(let replaces) = record.state else { return }
        // Its silence counts from its start on.
        workers[process]?.state = .ready(heartbeat: StallWatch(now: record.startedAt, longestStep: 2 * watchInterval))
        if let replaces { drain(replaces) }
        countReady()
        if let unloadable = current.unloadable {
            workers[process]?.channel.send(.unloadable(model: unloadable.model, problem: unloadable.problem))
        }
        switch phase {
        case .booting(let isReloadWanted) where serving.count == current.wanted:
            phase = .serving
            onReady?(summary)
            if isReloadWanted { reload(client: nil) }
        case .reloading(let reload): finish(reload)
        case .leaving where workers[process]?.generation == current.number: break
        case .leaving, .draining: drain(process)
        default: break
        }
    }

    /// Gives a connection to the worker that has the fewest; a new one to a worker that has the least to do.
    private func handOver(_ handed: HandedConnection, from sender: WorkerRecord) {
        let heard = serving.filter { $0.isHeard && $0.process != sender.process }
        let isNew = handed.requestCount == 0
        func load(_ record: WorkerRecord) -> (UInt64, UInt64) {
            (isNew ? fleet.value(.inHand, slot: record.slot) : 0, connections(record))
        }
        let fewest = heard.min { load($0) < load($1) }
        if let fewest, fewest.channel.send(handed) {
            // The worker counts anew; until it does, the next one goes elsewhere.
            fleet.add(1, to: .connections, slot: fewest.slot)
        } else {
            _ = sender.channel.send(handed)
        }
    }

    private func connections(_ record: WorkerRecord) -> UInt64 { fleet.value(.connections, slot: record.slot) }

    /// The workers of a generation that serve.
    func serving(_ generation: Int) -> [WorkerRecord] {
        workers.values.filter { $0.isReady && $0.generation == generation }
    }

    /// The workers that serve and belong to the present generation.
    var serving: [WorkerRecord] { serving(current.number) }

    func countReady() {
        fleet[.readyWorkers] = UInt64(workers.values.count(where: \.isReady))
    }

    // MARK: Ending

    /// Tells a worker to finish and end, and sets the time by which it must.
    func drain(_ process: ChildProcess) {
        guard let record = workers[process], !record.isEnding else { return }
        let grace = UInt64(current.configuration.gracefulTimeout) * 1_000_000_000
        workers[process]?.state = .draining(killAt: now + grace)
        record.channel.send(.drain)
        countReady()
    }

    func kill(_ process: ChildProcess) {
        workers[process]?.state = .killed
        process.send(SignalNumber.kill)
    }

    func killAll() {
        for process in workers.keys { kill(process) }
        current.preparation?.process.send(SignalNumber.kill)
        if case .reloading(let reload) = phase { reload.next.preparation?.process.send(SignalNumber.kill) }
    }

    /// Takes note of the processes that have ended, those of strangers too: the supervisor may be process 1.
    private func reap() {
        while let (process, ending) = ChildProcess.reapAny() {
            if let preparation = current.preparation, preparation.process == process {
                bootPreparationEnded(preparation, ending)
                continue
            }
            if case .reloading(let reload) = phase, let preparation = reload.next.preparation,
                preparation.process == process
            {
                reloadPreparationEnded(reload, preparation, ending)
                continue
            }
            if case .successor(let successor, let state)? = peer, successor.process == process {
                successorEnded(successor, state, ending)
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
