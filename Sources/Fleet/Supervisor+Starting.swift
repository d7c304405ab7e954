// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// How the supervisor starts processes.
extension Supervisor {
    /// Starts the process that prepares the models of a generation; its workers follow when it is done.
    ///
    /// - Throws: `SystemError`.
    func prepare(_ generation: Generation) throws -> Generation.Preparation {
        let (ours, theirs) = try FileDescriptor.messageChannel()
        let models = try FileDescriptor.unfilledMemory(name: "swiftnet-models")
        let process = try ChildProcess(
            executable: CurrentProcess.executable, arguments: ["swiftnet", "serve-worker"],
            environment: environment(generation.configuration) + [
                "\(WorkerEnvironment.Variable.role)=prepare",
                "\(WorkerEnvironment.Variable.serving)=\(current.served.joined(separator: "/"))",
            ],
            descriptors: [
                (theirs, WorkerEnvironment.Descriptor.channel), (models, WorkerEnvironment.Descriptor.models),
            ])
        return Generation.Preparation(
            process: process, channel: FleetChannel(ours), models: models, startedAt: now)
    }

    /// Takes up what a preparation said, and tells of the models that were left out.
    ///
    /// - Returns: What went wrong, and the model that can't be loaded, if it is one; nil if nothing did.
    func problem(
        of preparation: Generation.Preparation, _ ending: ChildProcess.Ending, for generation: inout Generation
    ) -> (model: String?, text: String)? {
        var problem: (model: String?, text: String) = (nil, "preparing the models ended with \(ending)")
        var skipped: [(model: String, problem: String)] = []
        while case .message(let message)? = preparation.channel.receive() {
            switch message {
            case .failed(let text): problem = (nil, text)
            case .unloadable(let model, let text):
                problem = (model, text)
                skipped.append((model, text))
            case .prepared(let model): generation.served.append(model)
            default: break
            }
        }
        guard ending == .exited(0) else { return problem }
        for (model, problem) in skipped { log.write(.warning, "the model '\(model)' is not served: \(problem)") }
        generation.unloadable = skipped.first
        return nil
    }

    /// Starts the first workers, or gives the start up.
    func bootPreparationEnded(_ preparation: Generation.Preparation, _ ending: ChildProcess.Ending) {
        current.models = .unprepared
        guard case .booting = phase else { return }
        if let problem = problem(of: preparation, ending, for: &current) { return giveUpStart(problem.text) }
        current.models = .prepared(preparation.models)
        startMissing(of: current)
    }

    func giveUpStart(_ problem: String) {
        log.write(.error, problem)
        tellLauncher(problem)
        if case .predecessor(let predecessor)? = peer { predecessor.failed(problem) }
        killAll()
        phase = .draining(exitCode: 1)
    }

    /// Starts the workers that a generation should have and has not.
    func startMissing(of generation: Generation) {
        guard case .prepared = generation.models, now >= respawnAt else { return }
        // A worker and the one that is to replace it count as one.
        let present = workers.values.count { record in
            guard !record.isEnding, record.generation == generation.number else { return false }
            guard let old = record.replaces, let replaced = workers[old] else { return true }
            return replaced.isEnding
        }
        guard present < generation.wanted else { return }
        for _ in present..<generation.wanted {
            // Without a free slot, the next tick tries again: workers that drain give theirs back.
            if start(generation) == nil { return }
        }
    }

    /// Starts a worker.
    ///
    /// - Returns: The worker; nil if no slot is free, or if the system refused, which counts as a worker that died at once.
    @discardableResult
    func start(_ generation: Generation, replaces: ChildProcess? = nil) -> ChildProcess? {
        let taken = Set(workers.values.map(\.slot))
        guard case .prepared(let models) = generation.models,
            let slot = (0..<FleetStatistics.slotCount).first(where: { !taken.contains($0) })
        else { return nil }
        do {
            let (ours, theirs) = try FileDescriptor.messageChannel()
            let process = try spawn(generation, slot: slot, channel: theirs, models: models)
            let channel = FleetChannel(ours)
            try epoll.add(ours, token: UInt64(process.id), .readable)
            fleet[.slotsInUse] = max(fleet[.slotsInUse], UInt64(slot + 1))
            workers[process] = WorkerRecord(
                process: process, slot: slot, generation: generation.number, channel: channel, startedAt: now,
                state: .starting(replaces: replaces))
            return process
        } catch {
            log.write(.error, "a worker could not be started: \(error)")
            slowDown()
            return nil
        }
    }

    private func spawn(
        _ generation: Generation, slot: Int, channel: FileDescriptor, models: FileDescriptor
    ) throws -> ChildProcess {
        let listeners = generation.orderedListeners
        typealias Variable = WorkerEnvironment.Variable
        var variables = [
            "\(Variable.slot)=\(slot)", "\(Variable.threads)=\(generation.threads)",
            "\(Variable.listeners)=\(listeners.count { $0.purpose == .requests })",
            "\(Variable.metricsListeners)=\(listeners.count { $0.purpose == .metrics })",
        ]
        typealias Descriptor = WorkerEnvironment.Descriptor
        var descriptors = [
            (channel, Descriptor.channel), (models, Descriptor.models), (fleet.descriptor, Descriptor.statistics),
        ]
        if let keys = generation.keys {
            variables.append("\(Variable.hasKeys)=1")
            descriptors.append((keys, Descriptor.keys))
        }
        descriptors += listeners.enumerated().map { ($1.descriptor, Descriptor.firstListener + Int32($0)) }
        return try ChildProcess(
            executable: CurrentProcess.executable, arguments: ["swiftnet", "serve-worker"],
            environment: environment(generation.configuration) + variables, descriptors: descriptors)
    }

    private func environment(_ configuration: ServerConfiguration) -> [String] {
        let own = [
            "SWIFTNET_WORKER_", "SWIFTNET_UPGRADE_", "SWIFTNET_DAEMON_CHANNEL=", "SWIFT_BACKTRACE=",
            "OPENBLAS_NUM_THREADS=", "LISTEN_FDS=", "LISTEN_PID=", "NOTIFY_SOCKET=",
        ]
        return ProcessEnvironment.variables.filter { variable in !own.contains { variable.hasPrefix($0) } } + [
            "\(WorkerEnvironment.Variable.configuration)=\(configuration.text)",
            // Each worker has its own inference threads; the library's would only fight with them.
            "OPENBLAS_NUM_THREADS=1",
            // A crashed worker must let go of its sockets at once.
            "SWIFT_BACKTRACE=enable=no",
        ]
    }

    /// Doubles the wait before the next worker.
    func slowDown() {
        backOff = min(max(backOff * 2, 100_000_000), 5_000_000_000)
        respawnAt = now + backOff
    }
}
