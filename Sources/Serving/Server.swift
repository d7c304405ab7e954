// SPDX-License-Identifier: MIT

import API
import HTTP
import Protocols
import SystemCalls
import Transport

/// Transport, protocols and inference of one process, put together.
package final class Server {
    private let loop: EventLoop
    private let queue: WorkQueue
    private let threads: InferenceThreads
    private let statistics: WorkerStatistics
    private let unloadable: UnloadableModel

    /// Starts the inference threads; ``run()`` starts serving.
    ///
    /// - Parameters:
    ///   - listeners: Sockets that listen and do not block.
    ///   - metricsListeners: The same, for those who read metrics only.
    ///   - threads: Inference threads.
    ///   - log: Where a line goes for each request.
    /// - Throws: The error of a runner that could not be made, or `SystemError`.
    package init(
        listeners: [FileDescriptor], metricsListeners: [FileDescriptor] = [], service: any InferenceService,
        limits: TransportLimits, policy: API.Policy,
        threads: Int, statistics: WorkerStatistics, log: AccessLog? = nil
    ) throws {
        self.statistics = statistics
        queue = WorkQueue(capacity: limits.queueCapacity, threads: threads, statistics: statistics)
        let mailbox = try Mailbox()
        let api = API(models: service.models, statistics: statistics, policy: policy)
        unloadable = api.unloadable
        loop = try EventLoop(
            listeners: listeners, metricsListeners: metricsListeners, handler: api,
            limits: limits, queue: queue, mailbox: mailbox, statistics: statistics, log: log)
        self.threads = try InferenceThreads(
            count: threads, service: service, queue: queue, mailbox: mailbox, clock: loop.clock)
        loop.runners = self.threads.runners
    }

    /// What may be asked of it from any thread.
    package var control: EventLoop.Control { loop.control }

    /// Serves until told to stop; then ends the inference threads.
    ///
    /// - Throws: `SystemError`.
    package func run() throws {
        defer { threads.stop() }
        try loop.run()
    }

    /// Requests begun so far.
    var requestCount: Int { loop.requestCount }

    /// How long the longest present run of a model has lasted, in nanoseconds.
    func longestRun(_ now: UInt64) -> UInt64 { threads.longestRun(now: now) }

    /// Called a few times a second.
    var onTick: ((UInt64) -> Void)? {
        get { loop.onTick }
        set { loop.onTick = newValue }
    }

    /// Watches another descriptor from the event loop.
    ///
    /// - Throws: `SystemError`.
    func watch(_ descriptor: FileDescriptor, _ react: @escaping () -> Void) throws {
        try loop.watch(descriptor, react)
    }

    /// Sends a client's command, with its number, to who carries it out.
    var sendCommand: ((Int, FleetCommand) -> Void)? {
        get { loop.sendCommand }
        set { loop.sendCommand = newValue }
    }

    /// How often it looks after its clocks while it has no connection.
    var idleMilliseconds: Int {
        get { loop.idleMilliseconds }
        set { loop.idleMilliseconds = newValue }
    }

    /// Gives a connection to a worker that has fewer; tells whether it could.
    package var giveAway: ((HandedConnection) -> Bool)? {
        get { loop.giveAway }
        set { loop.giveAway = newValue }
    }

    /// Takes over a connection that another worker gave away.
    func adopt(_ handed: HandedConnection) {
        loop.adopt(handed)
    }

    /// Opens the log's file anew, after it has been renamed.
    func reopenLog() {
        loop.log?.reopen()
    }

    /// Takes note of the model that could not be loaded, for who asks; an empty problem means that all could.
    func noteUnloadable(_ model: String, _ problem: String) {
        unloadable.note(model, problem)
    }

    /// Answers the client whose command the supervisor has no time for.
    func postponeCommand(_ request: Int) {
        loop.postponeCommand(request)
    }

    /// Answers the client whose command the supervisor has carried out.
    func finishCommand(_ request: Int, problem: String) {
        loop.finishCommand(request, problem: problem)
    }
}
