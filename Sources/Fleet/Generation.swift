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
    /// A model that was found and can't be loaded, and why.
    var skipped: (model: String, problem: String)?

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
    enum State: Equatable {
        case starting, ready, draining
    }

    let process: ChildProcess
    let slot: Int
    let generation: Int
    let channel: FleetChannel
    let startedAt: UInt64
    var state = State.starting
    /// How long its heartbeat has not changed.
    var heartbeat: StallWatch
    /// When it is killed if it is still there.
    var killAt: UInt64?
    /// The worker that this one is to replace.
    var replaces: ChildProcess?
    var problem: String?
}
