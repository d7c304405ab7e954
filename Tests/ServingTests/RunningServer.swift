// SPDX-License-Identifier: MIT

import HTTP
import Serving
import SystemCalls
import TestSupport

/// A server over the stub's models on a port of its own, in this process.
final class RunningServer {
    let port: UInt16
    let fleet: FleetStatistics
    private let control: EventLoop.Control
    private let thread: Thread

    init(milliseconds: Int = 0, _ change: (inout TransportLimits) -> Void = { _ in }) throws {
        let listener = try FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: 0))
        port = listener.localPort ?? 0
        fleet = try FleetStatistics()
        fleet[.slotsInUse] = 1
        var limits = TransportLimits()
        change(&limits)
        let final = limits
        let statistics = WorkerStatistics(fleet: fleet, slot: 0)
        let started = Started()
        thread = try Thread(stackBytes: 4 << 20) {
            do {
                var policy = API.Policy()
                policy.maxBodyBytes = final.http.maxBodyBytes
                let server = try Server(
                    listeners: [listener], service: StubService(milliseconds: milliseconds), limits: final,
                    policy: policy, threads: 1, statistics: statistics)
                started.set(server.control)
                try server.run()
            } catch {
                preconditionFailure("the server did not run: \(error)")
            }
        }
        control = started.wait()
    }

    /// A new connection.
    func connect() throws -> RawClient { try RawClient(port: port) }

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

    /// Waits for the server to have ended by itself.
    func join() {
        thread.join()
    }

    /// Ends the server.
    func stop() {
        control.stopNow()
        thread.join()
    }
}

/// Hands the control from the server's thread to the test's.
private final class Started: @unchecked Sendable {
    // Sendable because the monitor guards all that changes.
    private let monitor = Monitor()
    private var control: EventLoop.Control?

    func set(_ control: EventLoop.Control) {
        monitor.lock()
        self.control = control
        monitor.wakeAll()
        monitor.unlock()
    }

    func wait() -> EventLoop.Control {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            if let control { return control }
            monitor.wait()
        }
    }
}
