// SPDX-License-Identifier: MIT

import HTTP
import Synchronization
import SystemCalls

/// The thread that talks to clients: accepts, reads, parses, answers what needs no model, and passes the rest to the
/// inference threads through the queue. What is so light that waking a thread would take longer it does itself, while no thread
/// is at work: see ``passOnWork()``. Probes are therefore never behind more than half a millisecond of inference.
package final class EventLoop {
    /// What others may ask of the loop, from any thread.
    package final class Control: Sendable {
        enum Stop: Int, Sendable {
            case run, drain, now
        }

        let wake: WakeSignal
        private let stop = Atomic(Stop.run.rawValue)

        init(wake: WakeSignal) {
            self.wake = wake
        }

        var requested: Stop { Stop(rawValue: stop.load(ordering: .acquiring)) ?? .now }

        /// Lets the loop finish what was accepted, and end.
        package func drain() {
            _ = stop.compareExchange(expected: Stop.run.rawValue, desired: Stop.drain.rawValue, ordering: .releasing)
            wake.signal()
        }

        /// Ends the loop now.
        package func stopNow() {
            stop.store(Stop.now.rawValue, ordering: .releasing)
            wake.signal()
        }
    }

    let epoll: Epoll
    let handler: any RequestHandler
    let limits: TransportLimits
    let queue: WorkQueue
    let mailbox: Mailbox
    let statistics: WorkerStatistics
    package let log: AccessLog?
    package let control: Control
    /// The inference threads' runners, of which one is borrowed for light work.
    package var runners: [SharedRunner] = []
    /// How long the last network that a job wanted was expected to take.
    var lastCost: UInt64 = 0
    /// Whether jobs have been queued of which no thread has been told.
    var hasQueued = false
    /// Called a few times a second.
    package var onTick: ((UInt64) -> Void)?
    /// Other descriptors to watch, and what to do when they have something to read.
    private var watchers: [UInt64: () -> Void] = [:]

    /// Sends a client's command, with its number, to who carries it out; without one, commands are refused.
    package var sendCommand: ((Int, FleetCommand) -> Void)?
    /// Who waits for which command.
    var commands: [Int: Ticket] = [:]
    var commandCount = 0
    /// Requests begun so far.
    package internal(set) var requestCount = 0

    /// Sockets of requests, and then those of metrics.
    var listeners: [FileDescriptor]
    /// Those of them that only this machine reaches.
    let localListeners: Set<Int32>
    /// Those of them where metrics are read.
    let metricsListeners: Set<Int32>
    /// Connections of each client address, where they are limited.
    var connectionsOfAddress: [IPAddress: Int] = [:]
    /// Whether new connections are left to other workers.
    var isPaused = false
    /// How many connections are to be given away.
    var surplus = 0
    /// Gives a connection to a worker that has fewer; tells whether it could.
    package var giveAway: ((HandedConnection) -> Bool)?
    /// Requests whose work has been taken on and is not done.
    var inHand = 0 {
        didSet { statistics.set(.inHand, to: inHand) }
    }
    /// Requests whose work has been taken on so far: a probe's are none.
    var takenOn = 0
    /// How many new connections were given to workers that had less to do, and when the last one was.
    var givenLately = 0
    var givenAt: UInt64 = 0
    /// How often the clocks are looked after while there is no connection.
    package var idleMilliseconds = 1000
    /// The time that deadlines are counted in.
    package let clock = AwakeClock()
    /// Given away when no descriptor is left, so that a connection can be accepted and closed.
    var reserve: FileDescriptor?
    var connections: [UInt64: Connection] = [:]
    /// Connections of HTTP/2 that have answers to send: those of one round go out together.
    var unflushed: [Connection] = []
    var nextToken: UInt64 = 1 << 32
    var bufferedBytes = 0
    var isDraining = false
    var drainingSince: UInt64 = 0
    var now: UInt64
    var date = ""
    private var dateSecond: UInt64 = 0
    private var memoryRecordedAt: UInt64 = 0
    private var quiet: QuietTime
    /// A body that is worth being given back to the kernel.
    private static let manyBytes = 256 << 10
    var requestIDs = RequestIDs()
    let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)

    /// - Parameters:
    ///   - listeners: Sockets that listen and do not block.
    ///   - metricsListeners: The same, for those who read metrics only.
    ///   - log: Where a line goes for each request; nowhere if nil.
    /// - Throws: `SystemError`.
    package init(
        listeners: [FileDescriptor], metricsListeners: [FileDescriptor] = [], handler: any RequestHandler,
        limits: TransportLimits, queue: WorkQueue,
        mailbox: Mailbox, statistics: WorkerStatistics, log: AccessLog?
    ) throws {
        epoll = try Epoll()
        self.listeners = listeners + metricsListeners
        // A socket without an address of the Internet Protocol is one in the file system.
        localListeners = Set(self.listeners.filter { $0.localAddress?.isLoopback ?? true }.map(\.rawValue))
        self.metricsListeners = Set(metricsListeners.map(\.rawValue))
        now = clock.now
        self.handler = handler
        self.limits = limits
        quiet = QuietTime(length: limits.quietTime.nanoseconds)
        self.queue = queue
        self.mailbox = mailbox
        self.statistics = statistics
        self.log = log
        control = Control(wake: mailbox.wake)
        reserve = try? FileDescriptor.open("/dev/null", 0)
        try epoll.add(mailbox.wake.descriptor, token: 0, .readable)
        for (index, listener) in self.listeners.enumerated() {
            try epoll.add(listener, token: 1 + UInt64(index), [.readable, .exclusive])
        }
    }

    deinit {
        receiveBuffer.deallocate()
    }

    /// Watches another descriptor.
    ///
    /// - Throws: `SystemError`.
    package func watch(_ descriptor: FileDescriptor, _ react: @escaping () -> Void) throws {
        let token = UInt64(1 << 16 + watchers.count)
        try epoll.add(descriptor, token: token, .readable)
        watchers[token] = react
    }

    /// Serves until ``Control/drain()`` or ``Control/stopNow()`` is asked for and done.
    ///
    /// - Throws: `SystemError` if the system takes away what the loop can't do without.
    package func run() throws {
        var events: [Epoll.Event] = []
        var lastTick: UInt64 = 0
        statistics.set(.isServing, to: 1)
        defer { statistics.set(.isServing, to: 0) }
        while true {
            let patience = connections.isEmpty && !isDraining ? max(idleMilliseconds, 1) : 200
            try epoll.wait(&events, timeoutMilliseconds: Int32(clamping: patience))
            now = clock.step(expected: UInt64(patience) * 1_000_000)
            refreshDate()
            switch control.requested {
            case .run: break
            case .drain: beginDraining()
            case .now: return closeAll()
            }
            for event in events { react(to: event) }
            if now - lastTick >= 200_000_000 || isDraining {
                lastTick = now
                tick()
            }
            flushAll()
            if hasQueued { passOnWork() }
            if isDraining, connections.isEmpty { return }
        }
    }

    private func react(to event: Epoll.Event) {
        if event.token >= 1 << 32 {
            guard let connection = connections[event.token] else { return }
            react(connection, event.happened)
        } else if event.token == 0 {
            for finished in mailbox.takeAll() { finished.completion(self, finished.times) }
        } else if let watcher = watchers[event.token] {
            watcher()
        } else if Int(event.token) <= listeners.count {
            acceptConnections(listeners[Int(event.token) - 1], limit: 8)
        }
    }

    private func react(_ connection: Connection, _ happened: Epoll.Interest) {
        if !happened.isDisjoint(with: .broken) { return close(connection) }
        if happened.contains(.peerFinished) { connection.hasPeerFinished = true }
        if happened.contains(.writable) { resume(connection) }
        guard connections[connection.token] != nil else { return }
        switch connection.phase {
        case .receiving where connection.isHeldBack: updateWatch(connection)
        case .receiving: if !happened.isDisjoint(with: [.readable, .peerFinished]) { receive(connection) }
        case .lingering: if !happened.isDisjoint(with: [.readable, .peerFinished]) { discardInput(connection) }
        case .waiting: updateWatch(connection, hasRead: happened.contains(.readable))
        case .closing: break
        }
        if connection.hasPeerFinished, connection.phase == .waiting { askWhetherClientIsThere(connection) }
    }

    /// Goes on where the client's slowness, or its haste, had stopped it.
    private func resume(_ connection: Connection) {
        flush(connection)
        guard connection.phase == .receiving, connection.isHeldBack, connection.unsentByteCount == 0,
            connection.http2 == nil
        else { return }
        advance(connection)
        flush(connection)
    }

    private func refreshDate() {
        let second = SystemClock.nanosecondsSince1970() / 1_000_000_000
        if second != dateSecond {
            dateSecond = second
            date = httpDate(secondsSince1970: Int(second))
        }
    }

    /// Looks after the clocks of all connections.
    private func tick() {
        statistics.set(.waiting, to: queue.count)
        for connection in connections.values {
            if let lateness = connection.lateness(now: now, limits: limits) { end(connection, lateness) }
            if let http2 = connection.http2 { tick(connection, http2) }
        }
        for job in queue.takeLate(now: now) { job.late()(self, JobTimes()) }
        if isDraining { closeIdleConnections() }
        // The kernel tells one worker of a connection, and that one may have been stopped before it could take it.
        if !isPaused { for listener in listeners { acceptConnections(listener, limit: 8) } }
        pauseOrResumeAccepting()
        balance()
        recordMemory()
        let isBusy = inHand > 0 || bufferedBytes > Self.manyBytes
        if quiet.hasJustPassed(takenOn: takenOn, isBusy: isBusy, now: now) { giveBackMemory() }
        onTick?(now)
    }

    /// Gives the kernel what only work needs: the arenas of networks, and what images took while they were decoded.
    private func giveBackMemory() {
        // A thread may still be at work for a client that is gone.
        let areFree = runners.map { $0.borrow { $0.giveBackMemory() } }
        if areFree.contains(false) { quiet.passAgain() }
        CurrentProcess.giveBackFreeMemory()
    }

    private func end(_ connection: Connection, _ lateness: Connection.Lateness) {
        if let http2 = connection.http2, lateness == .idle { return endWhenIdle(connection, http2) }
        if connection.http2 != nil { return close(connection) }
        switch lateness {
        case .idle, .reading, .linger: close(connection)
        case .headers:
            guard connection.parser.isInsideRequest || connection.opening?.isEmpty == false else {
                return close(connection)
            }
            respondAndClose(connection, ErrorResponse.make(.requestTimeout, "the request's headers took too long"))
        case .body:
            respondAndClose(connection, ErrorResponse.make(.requestTimeout, "the request's body came too slowly"))
        case .answer:
            if let exchange = connection.exchange { abandon(connection, exchange) }
            respondAndClose(connection, ErrorResponse.make(.gatewayTimeout, "the answer took too long"))
        }
    }

    /// Tells what memory the process has, now and then.
    private func recordMemory() {
        guard now > memoryRecordedAt + 5_000_000_000 else { return }
        memoryRecordedAt = now
        guard let (resident, shared) = CurrentProcess.residentBytes else { return }
        statistics.set(.privateBytes, to: resident - shared)
        statistics.set(.sharedBytes, to: shared)
    }

    func closeAll() {
        for connection in connections.values { close(connection) }
    }
}
