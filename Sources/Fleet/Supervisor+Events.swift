// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// What the supervisor does about signals, clocks and the ends of workers.
extension Supervisor {
    /// A worker may take so long to load its models.
    private static let startTime: UInt64 = 120_000_000_000
    /// A worker that ends sooner than this after its start is not started again at once.
    private static let shortLife: UInt64 = 1_000_000_000

    // MARK: Signals

    func handle(_ signal: Int32) {
        switch signal {
        case SignalNumber.hangUp: reload(client: nil)
        case SignalNumber.terminate, SignalNumber.interrupt: leave()
        case SignalNumber.terminalInput: resize(by: 1)
        case SignalNumber.terminalOutput: resize(by: -1)
        default: break
        }
    }

    /// Begins to end the fleet; the second time, ends it at once.
    private func leave() {
        switch phase {
        case .leaving, .draining:
            report("stopping at once")
            exitCode = 1
            killAll()
        case .booting:
            exitCode = 0
            phase = .draining
            killAll()
        case .serving, .reloading:
            fleet[.isDraining] = 1
            SystemdNotification.send("STOPPING=1")
            phase = .leaving(drainAt: now + UInt64(current.configuration.drainDelay) * 1_000_000_000)
            report("stopping: finishing what was accepted")
        }
    }

    private func beginDraining() {
        phase = .draining
        exitCode = exitCode ?? 0
        preparation?.process.send(SignalNumber.kill)
        // The workers hold the sockets until they have accepted what waits.
        socketPaths = current.listeners.compactMap(\.path)
        current.listeners = []
        next = nil
        for process in workers.keys { drain(process) }
    }

    /// Adds a worker or takes one away.
    private func resize(by step: Int) {
        guard phase == .serving else { return }
        current.wanted = min(max(current.wanted + step, 1), FleetLimits.maxWorkers)
        report("\(current.wanted) workers")
        let surplus = serving.sorted { $0.startedAt > $1.startedAt }.prefix(max(0, serving.count - current.wanted))
        for record in surplus { drain(record.process) }
    }

    // MARK: Clocks

    func tick() {
        watchHearts()
        switch phase {
        case .leaving(let drainAt): if now >= drainAt { beginDraining() }
        case .serving:
            replaceMissing()
            recycleNext()
        case .booting, .reloading, .draining: break
        }
    }

    /// Ends workers that hang, take too long to start, or overstay.
    private func watchHearts() {
        if let preparation, now > preparation.startedAt + Self.startTime {
            preparation.process.send(SignalNumber.kill)
        }
        for record in workers.values {
            if let killAt = record.killAt, now > killAt {
                record.process.send(SignalNumber.kill)
                continue
            }
            switch record.state {
            case .starting: if now > record.startedAt + Self.startTime { record.process.send(SignalNumber.kill) }
            case .ready:
                let beat = fleet.value(.heartbeat, slot: record.slot) * 1_000_000
                if now > beat + UInt64(current.configuration.timeout) * 1_000_000_000 {
                    report("worker \(record.process.id) hangs; ending it")
                    workers[record.process]?.state = .draining
                    record.process.send(SignalNumber.kill)
                    fleet.add(1, to: .restarts)
                }
            case .draining: break
            }
        }
    }

    private func replaceMissing() {
        let present = workers.values.count {
            $0.state != .draining && $0.generation == generation && $0.replaces == nil
        }
        guard present < current.wanted, now >= respawnAt else { return }
        for _ in present..<current.wanted { start(current) }
    }

    /// Replaces one worker that has answered its share, the new one first; never two at once.
    private func recycleNext() {
        guard let next = recycling.first,
            !workers.values.contains(where: { $0.replaces != nil && $0.state == .starting })
        else { return }
        recycling.removeFirst()
        guard workers[next]?.state == .ready else { return }
        start(current, replaces: next)
    }

    // MARK: Ends

    /// Decides what the end of a worker means.
    func ended(_ record: Record, _ ending: ChildProcess.Ending) {
        if let replaced = record.replaces, record.state == .starting { recycling.append(replaced) }
        for process in workers.keys where workers[process]?.replaces == record.process {
            workers[process]?.replaces = nil
        }
        guard record.state != .draining else { return }
        let problem = record.problem ?? "a worker ended with \(ending)"
        switch phase {
        case .booting:
            report(problem)
            exitCode = 1
            phase = .draining
            killAll()
        case .reloading where record.generation == generation: failReload(problem, client: next?.client)
        case .serving, .reloading:
            report("worker \(record.process.id): \(problem); starting another")
            fleet.add(1, to: .restarts)
            if record.state == .starting || now - record.startedAt < Self.shortLife {
                slowDown()
            } else {
                backOff = 0
                respawnAt = now
            }
        case .leaving, .draining: break
        }
    }
}
