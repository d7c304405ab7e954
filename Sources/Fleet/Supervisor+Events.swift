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
        case SignalNumber.user1: reopenLogs()
        case SignalNumber.user2: upgrade()
        case SignalNumber.windowChange: rest()
        default: break
        }
    }

    /// Begins to end the fleet; the second time, ends it at once.
    private func leave() {
        // One may have said that it serves, and been asked something, at the same time.
        for process in workers.keys { hear(process) }
        switch phase {
        case .leaving, .draining:
            log.write(.warning, "stopping at once")
            killAll()
            phase = .draining(exitCode: 1)
        case .booting where serving.isEmpty:
            log.write(.info, "stopping before the start was complete")
            killAll()
            phase = .draining(exitCode: 0)
        case .booting, .serving, .reloading:
            if case .reloading(let reload) = phase { abandon(reload.next) }
            fleet[.isDraining] = 1
            if !sharesSockets { SystemdNotification.send("STOPPING=1") }
            phase = .leaving(drainAt: now + UInt64(current.configuration.drainDelay) * 1_000_000_000)
            log.write(.info, "stopping: finishing what was accepted")
        }
    }

    private func beginDraining() {
        phase = .draining(exitCode: 0)
        // The workers hold the sockets until they have accepted what waits.
        socketPaths = current.listeners.compactMap(\.path)
        current.listeners = []
        // Those that are starting too: one may have accepted something before it could say that it is ready.
        for process in workers.keys { drain(process) }
    }

    /// Adds a worker or takes one away.
    private func resize(by step: Int) {
        guard case .serving = phase else { return }
        restNoLonger()
        current.wanted = min(max(current.wanted + step, 1), FleetLimits.maxWorkers)
        log.write(.info, "\(current.wanted) workers")
        let surplus = serving.sorted { $0.startedAt > $1.startedAt }.prefix(max(0, serving.count - current.wanted))
        for record in surplus { drain(record.process) }
    }

    private func reopenLogs() {
        log.reopen()
        for record in workers.values { record.channel.send(.reopenLog) }
        log.write(.info, "logs are opened anew")
    }

    // MARK: Clocks

    /// How often workers are looked at.
    var watchInterval: UInt64 { min(UInt64(current.configuration.timeout) * 250_000_000, 1_000_000_000) }

    /// How long there is nothing to do but wait.
    func millisecondsUntilNextTask() -> Int32 {
        var times: [UInt64] = []
        for case .draining(let killAt) in workers.values.map(\.state) { times.append(killAt) }
        if !workers.isEmpty || current.preparation != nil { times.append(now + watchInterval) }
        switch phase {
        case .leaving(let drainAt): times.append(drainAt)
        case .serving, .reloading: times.append(max(now + watchInterval, respawnAt))
        case .booting, .draining: break
        }
        if respawnAt > now { times.append(respawnAt) }
        guard let next = times.min() else { return 1000 }
        return next <= now ? 0 : Int32(min((next - now) / 1_000_000 + 1, 60_000))
    }

    func tick() {
        watchHeartbeats()
        switch phase {
        case .leaving(let drainAt):
            if now >= drainAt { beginDraining() } else { startMissing(of: current) }
        case .serving:
            startMissing(of: current)
            recycleNext()
        case .reloading(let reload):
            startMissing(of: current)
            startMissing(of: reload.next)
        case .booting: startMissing(of: current)
        case .draining: break
        }
    }

    /// Ends workers that hang, take too long to start, or overstay.
    private func watchHeartbeats() {
        var preparations = [current.preparation]
        if case .reloading(let reload) = phase { preparations.append(reload.next.preparation) }
        for case let preparation? in preparations where now > preparation.startedAt + Self.startTime {
            preparation.process.send(SignalNumber.kill)
        }
        let timeout = UInt64(current.configuration.timeout) * 1_000_000_000
        for record in workers.values {
            switch record.state {
            case .starting: if now > record.startedAt + Self.startTime { record.process.send(SignalNumber.kill) }
            case .ready(var heartbeat):
                heartbeat.look(fleet.value(.heartbeat, slot: record.slot), now: now)
                workers[record.process]?.state = .ready(heartbeat: heartbeat)
                if heartbeat.stalled > timeout {
                    log.write(.error, "worker \(record.process.id) hangs; ending it")
                    kill(record.process)
                    countReady()
                    fleet.add(1, to: .restarts)
                }
            case .draining(let killAt): if now > killAt { kill(record.process) }
            case .killed: break
            }
        }
    }

    // MARK: Replacing

    /// Replaces one worker that has answered its share, the new one first; never two at once.
    private func recycleNext() {
        guard let next = recycling.first, !workers.values.contains(where: { $0.replaces != nil }) else { return }
        recycling.removeFirst()
        guard let record = workers[next], record.isReady, record.generation == current.number else { return }
        if start(current, replaces: next) == nil { recycling.append(next) }
    }

    /// Replaces a worker of which a thread hangs in its work. Its loop lives: it finishes what its other threads do, and
    /// tells those who wait for the one that hangs that their time is over.
    func replaceStuck(_ process: ChildProcess) {
        guard workers[process]?.isReady == true else { return }
        log.write(.error, "the work of worker \(process.id) hangs; replacing it")
        fleet.add(1, to: .restarts)
        recycling.removeAll { $0 == process }
        recycling.insert(process, at: 0)
    }

    // MARK: Ends

    /// Decides what the end of a worker means.
    func ended(_ record: WorkerRecord, _ ending: ChildProcess.Ending) {
        if let replaced = record.replaces { recycling.append(replaced) }
        for process in workers.keys where workers[process]?.replaces == record.process {
            workers[process]?.state = .starting(replaces: nil)
        }
        guard !record.isEnding else { return }
        let problem = record.problem ?? "a worker ended with \(ending)"
        switch phase {
        case .booting: giveUpStart(problem)
        case .reloading(let reload) where record.generation == reload.next.number: fail(reload, problem)
        case .serving, .reloading, .leaving:
            log.write(.warning, "worker \(record.process.id): \(problem); starting another")
            fleet.add(1, to: .restarts)
            if !record.isReady || now - record.startedAt < Self.shortLife {
                slowDown()
            } else {
                backOff = 0
                respawnAt = now
            }
        case .draining: break
        }
    }
}
