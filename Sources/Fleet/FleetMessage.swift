// SPDX-License-Identifier: MIT

import SystemCalls
import Transport

/// What supervisor and workers tell each other, a message in each datagram of their channel.
package enum FleetMessage: Equatable, Sendable {
    /// From a worker: it serves. The text describes what, for the banner.
    case ready(String)
    /// From a worker: it can't start, and why.
    case failed(String)
    /// From the preparing process: a model can't be loaded, and why. From the supervisor: the same, to be told to who asks;
    /// an empty problem means that all could be loaded.
    case unloadable(model: String, problem: String)
    /// From the preparing process, at its end: a model that will serve.
    case prepared(model: String)
    /// From a worker: it has answered as many requests as it should, or was told to end.
    case recycle
    /// From a worker: its work hangs.
    case stuck
    /// From a worker: a client asks for a model to be loaded or unloaded. The number comes back with the reply.
    case load(request: Int, model: String)
    case unload(request: Int, model: String)
    /// From a worker: a client asks for a version of a model, as `name@version`, in place of those that are served.
    case use(request: Int, model: String)
    /// From the supervisor: how that went; an empty text means well.
    case reply(request: Int, problem: String)
    /// From the supervisor: another change is under way.
    case busy(request: Int)
    /// From the supervisor: open the log's file anew.
    case reopenLog
    /// From a worker to the supervisor, and from there to another: a connection for one that has fewer; its socket comes
    /// with the message.
    case connection(isLocal: Bool, requests: UInt64)
    /// From the supervisor: finish what was accepted, and end.
    case drain

    /// The largest datagram.
    static let maxBytes = 4096

    /// The datagram.
    package var bytes: [UInt8] {
        let text =
            switch self {
            case .ready(let text): "ready \(text)"
            case .failed(let text): "failed \(text)"
            case .unloadable(let model, let problem): "unloadable \(model) \(problem)"
            case .prepared(let model): "prepared \(model)"
            case .recycle: "recycle"
            case .stuck: "stuck"
            case .busy(let request): "busy \(request)"
            case .reopenLog: "reopen"
            case .connection(let isLocal, let requests): "connection \(isLocal ? 1 : 0) \(requests)"
            case .load(let request, let model): "load \(request) \(model)"
            case .unload(let request, let model): "unload \(request) \(model)"
            case .use(let request, let model): "use \(request) \(model)"
            case .reply(let request, let problem): "reply \(request) \(problem)"
            case .drain: "drain"
            }
        return Array(text.utf8.prefix(Self.maxBytes))
    }

    /// Reads a datagram; nil if it is of no known kind.
    package init?(_ bytes: some Collection<UInt8>) {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 1).map(String.init)
        let rest = parts.count > 1 ? parts[1] : ""
        let words = rest.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let number = words.first.flatMap { Int($0) }
        let tail = words.count > 1 ? words[1] : ""
        switch (parts.first, number) {
        case ("ready", _): self = .ready(rest)
        case ("failed", _): self = .failed(rest)
        case ("unloadable", _): self = .unloadable(model: words.first ?? "", problem: tail)
        case ("prepared", _): self = .prepared(model: rest)
        case ("recycle", _): self = .recycle
        case ("stuck", _): self = .stuck
        case ("busy", let number?): self = .busy(request: number)
        case ("reopen", _): self = .reopenLog
        case ("connection", let number?): self = .connection(isLocal: number == 1, requests: UInt64(tail) ?? 0)
        case ("load", let number?): self = .load(request: number, model: tail)
        case ("unload", let number?): self = .unload(request: number, model: tail)
        case ("use", let number?): self = .use(request: number, model: tail)
        case ("reply", let number?): self = .reply(request: number, problem: tail)
        case ("drain", _): self = .drain
        default: return nil
        }
    }
}

/// One end of the channel between the supervisor and a worker.
package final class FleetChannel: Sendable {
    package let descriptor: FileDescriptor

    package init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Sends a message; one that the other end can't take any more is lost.
    package func send(_ message: FleetMessage) {
        message.bytes.withUnsafeBytes { bytes in _ = try? descriptor.send(bytes) }
    }

    /// Hands a connection over.
    ///
    /// - Returns: false if the other end can't take it.
    package func send(_ handed: HandedConnection) -> Bool {
        let message = FleetMessage.connection(isLocal: handed.isLocal, requests: handed.requestCount)
        return message.bytes.withUnsafeBytes { bytes in
            (try? descriptor.send(bytes, passing: handed.socket)) ?? false
        }
    }

    /// What has come.
    package enum Input {
        case message(FleetMessage)
        /// A connection that is handed over.
        case connection(HandedConnection)
        /// The other end is closed.
        case end
    }

    /// The next input; nil if none is there.
    package func receive() -> Input? {
        var buffer = [UInt8](repeating: 0, count: FleetMessage.maxBytes)
        while true {
            let received: (count: Int, passed: FileDescriptor?)?
            do {
                received = try buffer.withUnsafeMutableBytes { try descriptor.receiveMessage(into: $0) }
            } catch {
                return .end
            }
            guard let (count, passed) = received else { return nil }
            if count == 0 { return .end }
            switch (FleetMessage(buffer[..<count]), passed) {
            case (.connection(let isLocal, let requests)?, let socket?):
                return .connection(HandedConnection(socket: socket, isLocal: isLocal, requestCount: requests))
            case (.connection?, nil), (nil, _): continue
            case (let message?, _): return .message(message)
            }
        }
    }
}
