// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// How a server is replaced by one of another program without losing a request, as gunicorn does it: `USR2` starts the new
/// one beside the old, on the same sockets; `TERM` to the old one lets it finish, `TERM` to the new one takes it back. `WINCH` lets
/// the old one's workers finish but keeps the old one ready: `HUP`, or the end of the new one, starts workers again.
extension Supervisor {
    /// Starts the program anew, beside this process.
    func upgrade() {
        guard case .serving = phase else {
            return log.write(.warning, "not upgraded: the server is busy starting or ending")
        }
        guard !sharesSockets else {
            return log.write(.warning, "not upgraded: another upgrade is under way")
        }
        do {
            let started = try Successor(sharing: current.listeners)
            try epoll.add(started.channel.descriptor, token: 1, .readable)
            peer = .successor(started, .starting)
            log.write(.info, "upgrading: process \(started.process.id) starts beside this one")
        } catch {
            log.write(.error, "not upgraded: \(error)")
        }
    }

    /// Lets all workers finish, while the newer supervisor's serve. A terminal sends the same signal when its window changes,
    /// so without a newer one nothing happens.
    func rest() {
        guard case .serving = phase, case .successor(let successor, .serving)? = peer else { return }
        peer = .successor(successor, .servingAlone(restingWorkers: current.wanted))
        current.wanted = 0
        for record in workers.values { drain(record.process) }
        log.write(.info, "no workers, while the newer server serves; HUP starts them again")
    }

    /// Notes that this supervisor's workers serve again, beside the newer one's.
    func restNoLonger() {
        if case .successor(let successor, .servingAlone)? = peer { peer = .successor(successor, .serving) }
    }

    /// How many workers there were before all of them were sent away in favour of the newer supervisor's; nil if they were
    /// not.
    var restingWorkers: Int? {
        if case .successor(_, .servingAlone(let restingWorkers))? = peer { restingWorkers } else { nil }
    }

    // MARK: Hearing

    /// Hears the newer or the older supervisor.
    func hearPeer() {
        switch peer {
        case .predecessor(let predecessor)?: hear(predecessor)
        case .successor(let successor, _)?: hear(successor)
        case nil: break
        }
    }

    private func hear(_ successor: Successor) {
        while case .message(let message)? = successor.channel.receive() {
            switch message {
            case .ready:
                if case .successor(_, .starting)? = peer { peer = .successor(successor, .serving) }
                log.write(.info, "process \(successor.process.id) serves beside this one; TERM to either ends that one")
            case .failed(let problem): log.write(.error, "not upgraded, still serving as before: \(problem)")
            default: break
            }
        }
    }

    private func hear(_ predecessor: Successor.Predecessor) {
        while let input = predecessor.channel.receive() {
            guard case .end = input else { continue }
            try? epoll.remove(predecessor.channel.descriptor)
            peer = nil
            // What is in the file system is this process's now.
            for index in current.listeners.indices {
                if case .unix(let path)? = current.listeners[index].address {
                    current.listeners[index].path = OwnedPath(path)
                }
            }
            SystemdNotification.send("MAINPID=\(CurrentProcess.id)\nREADY=1")
            log.write(.info, "the older server has ended; process \(CurrentProcess.id) serves alone")
            onAlone?()
            return
        }
    }

    /// The newer supervisor has ended.
    func successorEnded(_ successor: Successor, _ state: SuccessorState, _ ending: ChildProcess.Ending) {
        hear(successor)
        try? epoll.remove(successor.channel.descriptor)
        if let restingWorkers { current.wanted = restingWorkers }
        peer = nil
        let hadServed = if case .starting = state { false } else { true }
        log.write(
            hadServed ? .info : .error,
            "process \(successor.process.id), which was to follow this one, ended with \(ending)")
    }
}
