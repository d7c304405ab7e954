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
        guard successor == nil, predecessor == nil else {
            return log.write(.warning, "not upgraded: another upgrade is under way")
        }
        do {
            let started = try Successor(sharing: current.listeners)
            try epoll.add(started.channel.descriptor, token: 1, .readable)
            successor = started
            log.write(.info, "upgrading: process \(started.process.id) starts beside this one")
        } catch {
            log.write(.error, "not upgraded: \(error)")
        }
    }

    /// Lets all workers finish, while the newer supervisor's serve. A terminal sends the same signal when its window changes,
    /// so without a newer one nothing happens.
    func rest() {
        guard case .serving = phase, successor?.isReady == true, restingWorkers == nil else { return }
        restingWorkers = current.wanted
        current.wanted = 0
        for record in workers.values { drain(record.process) }
        log.write(.info, "no workers, while the newer server serves; HUP starts them again")
    }

    /// Hears the newer and the older supervisor.
    func hearOtherSupervisors() {
        while let input = successor?.channel.receive() {
            guard let successor, case .message(let message) = input else { break }
            switch message {
            case .ready:
                self.successor?.isReady = true
                log.write(.info, "process \(successor.process.id) serves beside this one; TERM to either ends that one")
            case .failed(let problem): log.write(.error, "not upgraded, still serving as before: \(problem)")
            default: break
            }
        }
        while let input = predecessor?.channel.receive() {
            guard case .end = input, let channel = predecessor?.channel else { continue }
            try? epoll.remove(channel.descriptor)
            predecessor = nil
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
    func successorEnded(_ ending: ChildProcess.Ending) {
        guard let ended = successor else { return }
        hearOtherSupervisors()
        try? epoll.remove(ended.channel.descriptor)
        successor = nil
        if let resting = restingWorkers {
            current.wanted = resting
            restingWorkers = nil
        }
        log.write(
            ended.isReady ? .info : .error,
            "process \(ended.process.id), which was to follow this one, ended with \(ending)")
    }
}
