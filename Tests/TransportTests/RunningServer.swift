// SPDX-License-Identifier: MIT

import API
import Glibc
import HTTP
import Serving
import StubModels
import SystemCalls
import TestSupport
import Transport

/// A server over the stub's models on a socket of its own, in this process.
final class RunningServer {
    private let address: SocketAddress
    let fleet: FleetStatistics
    /// Counts what the event loop itself has run.
    let borrowedRuns: Counter
    /// Counts how often its runner was to give memory back.
    let timesGivenBack: Counter
    private let control: EventLoop.Control
    private let life: Life
    private let thread: Thread

    /// A body that the stub answers with 7.
    static let digit = #"{"images": [7,0,0,0]}"#

    /// - Parameters:
    ///   - folder: Where its socket is, without TCP's own limits; it has a port of TCP by default.
    ///   - inHandOfOther: How many requests another worker has, which takes what is given away.
    init(
        milliseconds: Int = 0, fastestBatch: Int = 1, folder: TemporaryFolder? = nil, inHandOfOther: Int? = nil,
        _ change: (inout TransportLimits) -> Void = { _ in }
    ) throws {
        let wanted = folder.map { SocketAddress.unix(path: $0.path("socket")) } ?? .tcp(host: "127.0.0.1", port: 0)
        let listener = try FileDescriptor.listening(on: wanted)
        address = listener.localPort.map { .tcp(host: "127.0.0.1", port: $0) } ?? wanted
        fleet = try FleetStatistics()
        fleet[.slotsInUse] = inHandOfOther == nil ? 1 : 2
        if let inHandOfOther {
            fleet.set(.isServing, slot: 1, to: 1)
            fleet.set(.inHand, slot: 1, to: UInt64(inHandOfOther))
            // None goes there to even out the numbers.
            fleet.set(.connections, slot: 1, to: 1000)
        }
        var limits = TransportLimits()
        change(&limits)
        let final = limits
        let statistics = WorkerStatistics(fleet: fleet, slot: 0)
        let life = Life()
        self.life = life
        let service = StubService(milliseconds: milliseconds, fastestBatch: fastestBatch)
        borrowedRuns = service.borrowedRuns
        timesGivenBack = service.timesGivenBack
        thread = try Thread(stackBytes: 4 << 20) {
            do {
                var policy = API.Policy()
                policy.maxBodyBytes = final.http.maxBodyBytes
                let server = try Server(
                    listeners: [listener], service: service, limits: final, policy: policy, threads: 1,
                    statistics: statistics)
                server.giveAway = { life.take($0) }
                life.begin(server.control)
                try server.run()
                life.end()
            } catch {
                preconditionFailure("the server did not run: \(error)")
            }
        }
        control = life.waitForBeginning()
    }

    /// How many connections it has given away.
    var givenCount: Int { life.takenCount }

    /// Processor time that the event loop has taken.
    var loopNanoseconds: UInt64 { life.loopNanoseconds }

    /// A new connection.
    func connect() throws -> RawClient { try RawClient(address) }

    /// A new connection of HTTP/2.
    func connectHTTP2(settings: [(id: UInt16, value: UInt32)] = []) throws -> HTTP2Client {
        try HTTP2Client(address, settings: settings)
    }

    /// Waits, up to ten seconds, for its numbers to become what they should.
    func eventually(_ condition: (FleetStatistics) -> Bool) -> Bool {
        for _ in 0..<1000 {
            if condition(fleet) { return true }
            SystemClock.sleep(milliseconds: 10)
        }
        return false
    }

    /// Lets the server finish what it has.
    func drain() {
        control.drain()
    }

    /// Waits for the server to end by itself, and ends it if it does not.
    ///
    /// - Returns: Whether it did.
    func ends(withinSeconds seconds: UInt64 = 10) -> Bool {
        let end = SystemClock.monotonicNanoseconds() + seconds * 1_000_000_000
        while !life.hasEnded, SystemClock.monotonicNanoseconds() < end { SystemClock.sleep(milliseconds: 10) }
        defer { stop() }
        return life.hasEnded
    }

    /// Ends the server.
    func stop() {
        control.stopNow()
        thread.join()
    }
}

/// Runs a server for as long as the body does.
func withServer(
    milliseconds: Int = 0, folder: TemporaryFolder? = nil, _ change: (inout TransportLimits) -> Void = { _ in },
    _ body: (RunningServer) throws -> Void
) throws {
    let server = try RunningServer(milliseconds: milliseconds, folder: folder, change)
    defer { server.stop() }
    try body(server)
}

/// What the server's thread lets the test's know.
private final class Life: @unchecked Sendable {
    // Sendable because the monitor guards all that changes.
    private let monitor = Monitor()
    private var control: EventLoop.Control?
    private var isOver = false
    private var loopClock = CLOCK_MONOTONIC
    private var taken: [HandedConnection] = []

    /// Called by the loop's own thread.
    func begin(_ control: EventLoop.Control) {
        locked {
            self.control = control
            pthread_getcpuclockid(pthread_self(), &loopClock)
        }
    }

    func take(_ connection: HandedConnection) -> Bool {
        locked { taken.append(connection) }
        return true
    }

    var takenCount: Int { locked { taken.count } }

    var loopNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(locked { loopClock }, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func end() {
        locked { isOver = true }
    }

    var hasEnded: Bool { locked { isOver } }

    func waitForBeginning() -> EventLoop.Control {
        locked {
            while true {
                if let control { return control }
                monitor.wait()
            }
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        monitor.lock()
        defer {
            monitor.wakeAll()
            monitor.unlock()
        }
        return body()
    }
}
