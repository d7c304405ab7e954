// SPDX-License-Identifier: MIT

import SystemCalls

/// A set of workers that have settings, keys, sockets and models in common.
package struct Generation {
    /// Where its models are.
    enum Models {
        /// Nothing has been started.
        case unprepared
        /// A process is loading them.
        case preparing(Preparation)
        /// They are in memory that every worker maps.
        case prepared(FileDescriptor)
    }

    /// The process that loads a generation's models.
    struct Preparation {
        let process: ChildProcess
        let channel: FleetChannel
        let models: FileDescriptor
        let startedAt: UInt64
    }

    /// Its place in the row of generations.
    let number: Int
    let configuration: ServerConfiguration
    /// The keys that open the server, in memory that cannot be changed; nil if it is open to all.
    let keys: FileDescriptor?
    var listeners: [Listener]
    /// How many workers there should be, and the inference threads of each.
    package var wanted: Int
    package let threads: Int
    var models = Models.unprepared
    /// The names of its models.
    var served: [String] = []
    /// A model that can't be loaded, and why: one that this generation left out, or that made a later reload fail.
    var unloadable: (model: String, problem: String)?

    var preparation: Preparation? {
        if case .preparing(let preparation) = models { return preparation }
        return nil
    }

    /// The sockets of requests, and then those of metrics: the order in which a worker gets them.
    var orderedListeners: [Listener] {
        listeners.filter { $0.purpose == .requests } + listeners.filter { $0.purpose == .metrics }
    }

    /// Memory that holds the text of a key file.
    ///
    /// - Throws: `SystemError`.
    static func sealed(keys text: [UInt8]?) throws -> FileDescriptor? {
        guard let text else { return nil }
        let memory = try FileDescriptor.unfilledMemory(name: "swiftnet-keys")
        try memory.fillOnce(byteCount: text.count) { $0.copyBytes(from: text) }
        return memory
    }
}

/// A worker as the supervisor knows it.
struct WorkerRecord {
    /// Where a worker is in its life.
    enum State {
        /// It is to take the place of another worker, if one is given.
        case starting(replaces: ChildProcess?)
        case ready(heartbeat: StallWatch)
        /// It finishes what it has accepted; if it is still there at the given time, it is killed.
        case draining(killAt: UInt64)
        /// It has been killed, but its end has not been noted yet.
        case killed
    }

    let process: ChildProcess
    let slot: Int
    let generation: Int
    let channel: FleetChannel
    let startedAt: UInt64
    var state: State
    var problem: String?

    var isReady: Bool {
        if case .ready = state { true } else { false }
    }

    /// Whether its end is expected.
    var isEnding: Bool {
        switch state {
        case .starting, .ready: false
        case .draining, .killed: true
        }
    }

    /// The worker that this one is to replace as soon as it is ready.
    var replaces: ChildProcess? {
        if case .starting(let replaces) = state { replaces } else { nil }
    }

    /// Whether its heartbeat has changed lately.
    var isHeard: Bool {
        if case .ready(let heartbeat) = state { heartbeat.stalled < 2_000_000_000 } else { false }
    }
}
