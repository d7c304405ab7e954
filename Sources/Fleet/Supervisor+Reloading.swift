// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// How the supervisor puts a new set of workers in the place of the old.
extension Supervisor {
    /// Reads the settings and weights again.
    func reload(client: Client?) {
        switch phase {
        case .serving: break
        case .booting, .reloading:
            reloadAgain = true
            return
        case .leaving, .draining:
            onReload?("the server is about to end")
            return
        }
        do {
            try beginReload(source.reconfigure(), client: client)
        } catch {
            failReload("\(error)", client: client)
        }
    }

    /// Carries out a wish that came while another reload or the start was under way.
    func reloadOnceMore() {
        guard reloadAgain else { return }
        reloadAgain = false
        reload(client: nil)
    }

    private func beginReload(_ new: ServerConfiguration, client: Client?) throws {
        try new.check()
        try source.check(new)
        let layout = new.layout(cores: cores)
        let old = current.configuration.layout(cores: cores)
        // Workers that signals have added or taken away stay so, unless the settings say something new.
        let wanted = layout.workers == old.workers ? current.wanted : layout.workers
        next = Generation(
            configuration: new, listeners: try nextListeners(new), wanted: wanted, threads: layout.threads,
            client: client)
        for (name, value, was) in [
            ("pid", new.pid, current.configuration.pid),
            ("daemon", "\(new.daemon)", "\(current.configuration.daemon)"),
        ] where value != was {
            report("a new '\(name)' holds from the next start on")
        }
        SystemdNotification.send("RELOADING=1")
        onReload?(nil)
        phase = .reloading
        generation += 1
        prepare(new)
    }

    /// The sockets of the new settings: those of addresses that stay, and new ones.
    private func nextListeners(_ new: ServerConfiguration) throws -> [Listener] {
        guard new.addresses != current.configuration.addresses else { return current.listeners }
        if areSocketsInherited {
            report("the sockets are the service manager's; new addresses hold from its next start on")
            return current.listeners
        }
        return try Self.listeners(new.addresses, besides: current.listeners)
    }

    func finishReloadIfReady() {
        guard phase == .reloading, var next, serving.count >= next.wanted else { return }
        let client = next.client
        next.client = nil
        let old = current
        current = next
        self.next = nil
        phase = .serving
        tell(unloadable: nil)
        fleet.add(1, to: .reloads)
        for record in workers.values where record.generation < generation { drain(record.process) }
        for listener in old.listeners
        where !current.listeners.contains(where: { $0.descriptor === listener.descriptor }) {
            listener.path?.remove()
        }
        report("reloaded\(changes(from: old))")
        SystemdNotification.send("READY=1")
        onReload?("")
        if let client { answer(client, problem: "") }
        reloadOnceMore()
    }

    /// What an operator may have changed by it.
    private func changes(from old: Generation) -> String {
        var changes: [String] = []
        if old.configuration.addresses != current.configuration.addresses {
            changes.append("serves on \(addresses.joined(separator: ", "))")
        }
        if old.wanted != current.wanted || old.threads != current.threads {
            changes.append("workers: \(current.wanted), threads of each: \(current.threads)")
        }
        return changes.map { "; \($0)" }.joined()
    }

    func failReload(_ problem: String, client: Client?) {
        if phase == .reloading {
            for record in workers.values where record.generation == generation {
                workers[record.process]?.state = .draining
                record.process.send(SignalNumber.kill)
            }
            for listener in next?.listeners ?? []
            where !current.listeners.contains(where: { $0.descriptor === listener.descriptor }) {
                listener.path?.remove()
            }
            generation -= 1
            phase = .serving
        }
        next = nil
        tell(unloadable: unloadable)
        fleet.add(1, to: .failedReloads)
        report("not reloaded, still serving as before: \(problem)")
        SystemdNotification.send("READY=1")
        onReload?(problem)
        if let client { answer(client, problem: problem) }
        reloadOnceMore()
    }

    /// Lets the workers know which model could not be loaded, for who asks them; nil if all could.
    private func tell(unloadable: (model: String, problem: String)?) {
        self.unloadable = unloadable
        let message = FleetMessage.unloadable(model: unloadable?.model ?? "", problem: unloadable?.problem ?? "")
        for record in workers.values where record.state == .ready { record.channel.send(message) }
    }

    /// Gives up what the models were prepared for.
    func preparationFailed(_ problem: String) {
        switch phase {
        case .booting:
            report(problem)
            exitCode = 1
            phase = .draining
        case .reloading: failReload(problem, client: next?.client)
        case .serving, .leaving, .draining: break
        }
    }

    private func answer(_ client: Client, problem: String) {
        workers[client.worker]?.channel.send(.reply(request: client.request, problem: problem))
    }

    /// Carries out a client's wish for another set of models.
    func change(_ client: Client, load model: String) {
        change(client) { configuration, served in
            configuration.models = served.contains(model) ? served : served + [model]
        }
    }

    func change(_ client: Client, unload model: String) {
        change(client) { configuration, served in
            configuration.models = served.filter { $0 != model && !$0.hasPrefix(model + "@") }
        }
    }

    private func change(_ client: Client, _ body: (inout ServerConfiguration, [String]) -> Void) {
        guard phase == .serving else {
            workers[client.worker]?.channel.send(.busy(request: client.request))
            return
        }
        do {
            var new = current.configuration
            body(&new, try source.servedModels(new))
            if new.models.isEmpty { return answer(client, problem: "the last model can't be unloaded") }
            try beginReload(new, client: client)
        } catch {
            failReload("\(error)", client: client)
        }
    }
}
