// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// How the supervisor puts a new set of workers in the place of the old.
extension Supervisor {
    /// Reads the settings, keys and weights again.
    func reload(client: Client?) {
        switch phase {
        case .serving: break
        case .booting:
            phase = .booting(isReloadWanted: true)
            return
        case .reloading(var reload):
            reload.isAnotherWanted = true
            phase = .reloading(reload)
            return
        case .leaving, .draining:
            onReload?("the server is about to end")
            return
        }
        do {
            let new = try source.reconfigure()
            try new.check()
            let keys = try Generation.sealed(keys: try source.keys(new))
            try beginReload(new, keys: keys, client: client)
        } catch {
            reloadFailed("\(error)", client: client)
        }
    }

    private func beginReload(
        _ new: ServerConfiguration, keys: FileDescriptor?, client: Client?, change: ModelChange? = nil
    ) throws {
        let layout = new.layout(cores: cores)
        let old = current.configuration.layout(cores: cores)
        // Workers that signals have added or taken away stay so, unless the settings say something new.
        let wanted = layout.workers == old.workers ? restingWorkers ?? current.wanted : layout.workers
        lastGeneration += 1
        var next = Generation(
            number: lastGeneration, configuration: new, keys: keys, listeners: try nextListeners(new), wanted: wanted,
            threads: layout.threads)
        for (name, value, was) in [
            ("pid", new.pid, current.configuration.pid),
            ("daemon", "\(new.daemon)", "\(current.configuration.daemon)"),
            ("error-logfile", new.errorLog, current.configuration.errorLog),
            ("log-level", new.logLevel.rawValue, current.configuration.logLevel.rawValue),
            ("umask", new.umask.map { String($0, radix: 8) }, current.configuration.umask.map { String($0, radix: 8) }),
        ] where value != was {
            log.write(.warning, "a new '\(name)' holds from the next start on")
        }
        SystemdNotification.send("RELOADING=1")
        onReload?(nil)
        do {
            next.models = .preparing(try prepare(next))
        } catch {
            removeSockets(of: next)
            throw error
        }
        phase = .reloading(Reload(next: next, client: client, change: change))
    }

    /// The sockets of the new settings: those of addresses that stay, and new ones.
    private func nextListeners(_ new: ServerConfiguration) throws -> [Listener] {
        let old = current.configuration
        guard new.addresses != old.addresses || new.metricsBind != old.metricsBind else { return current.listeners }
        if areSocketsInherited {
            log.write(.warning, "the sockets are the service manager's; new addresses hold from its next start on")
            return current.listeners
        }
        return try Self.listeners(new, besides: current.listeners)
    }

    /// Starts the workers of the models that have been prepared, or gives the generation up.
    func reloadPreparationEnded(
        _ reload: Reload, _ preparation: Generation.Preparation, _ ending: ChildProcess.Ending
    ) {
        var reload = reload
        reload.next.models = .unprepared
        phase = .reloading(reload)
        if let problem = problem(of: preparation, ending, for: &reload.next) {
            if let model = problem.model { current.unloadable = (model, problem.text) }
            return fail(reload, problem.text)
        }
        reload.next.models = .prepared(preparation.models)
        phase = .reloading(reload)
        startMissing(of: reload.next)
    }

    /// Puts the new generation in the place of the old one, if all its workers serve.
    func finish(_ reload: Reload) {
        guard serving(reload.next.number).count >= reload.next.wanted else { return }
        let old = current
        current = reload.next
        restNoLonger()
        phase = .serving
        tellUnloadable()
        fleet.add(1, to: .reloads)
        for record in workers.values where record.generation < current.number { drain(record.process) }
        for listener in old.listeners
        where !current.listeners.contains(where: { $0.descriptor === listener.descriptor }) {
            listener.path?.remove()
        }
        log.write(.info, "reloaded\(changes(from: old))")
        SystemdNotification.send("READY=1")
        onReload?("")
        if let change = reload.change { keep(change) }
        if let client = reload.client { answer(client, problem: "") }
        if reload.isAnotherWanted { self.reload(client: nil) }
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

    /// Gives a reload up: the old workers serve on.
    func fail(_ reload: Reload, _ problem: String) {
        abandon(reload.next)
        phase = .serving
        reloadFailed(problem, client: reload.client)
        if reload.isAnotherWanted { self.reload(client: nil) }
    }

    /// Ends what has been started of a generation that is not to serve.
    func abandon(_ next: Generation) {
        next.preparation?.process.send(SignalNumber.kill)
        for record in workers.values where record.generation == next.number { kill(record.process) }
        removeSockets(of: next)
    }

    /// Takes away the sockets that only this generation has.
    private func removeSockets(of next: Generation) {
        for listener in next.listeners
        where !current.listeners.contains(where: { $0.descriptor === listener.descriptor }) {
            listener.path?.remove()
        }
    }

    private func reloadFailed(_ problem: String, client: Client?) {
        tellUnloadable()
        fleet.add(1, to: .failedReloads)
        log.write(.error, "not reloaded, still serving as before: \(problem)")
        SystemdNotification.send("READY=1")
        onReload?(problem)
        if let client { answer(client, problem: problem) }
    }

    /// Lets the workers know which model can't be loaded, or that all can, for who asks them.
    private func tellUnloadable() {
        let (model, problem) = current.unloadable ?? ("", "")
        let message = FleetMessage.unloadable(model: model, problem: problem)
        for record in workers.values where record.isReady { record.channel.send(message) }
    }

    private func answer(_ client: Client, problem: String) {
        workers[client.worker]?.channel.send(.reply(request: client.request, problem: problem))
    }

    /// A file that can't be written must not take back what is served already.
    private func keep(_ change: ModelChange) {
        do {
            try source.keep(current.configuration, change)
        } catch {
            log.write(.error, "the next start will not know what a client changed: \(error)")
        }
    }

    /// Carries out a client's request for another set of models.
    func change(_ client: Client, _ change: ModelChange) {
        guard case .serving = phase else {
            workers[client.worker]?.channel.send(.busy(request: client.request))
            return
        }
        do {
            var new = current.configuration
            new.models = change.applied(to: new.models.isEmpty ? current.served : new.models)
            if new.models.isEmpty { return answer(client, problem: "the last model can't be unloaded") }
            try new.check()
            try beginReload(new, keys: current.keys, client: client, change: change)
        } catch {
            reloadFailed("\(error)", client: client)
        }
    }
}
