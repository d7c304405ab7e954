// SPDX-License-Identifier: MIT

import SystemCalls

/// What supervisor and workers tell each other, a message in each datagram of their channel.
package enum FleetMessage: Equatable, Sendable {
    /// From a worker: it serves. The text describes what, for the banner.
    case ready(String)
    /// From a worker: it can't start, and why.
    case failed(String)
    /// From the preparing process: a model can't be loaded, and why. From the supervisor: the same, to be told to who asks;
    /// an empty problem means that all could be loaded.
    case unloadable(model: String, problem: String)
    /// From a worker: it has answered as many requests as it should.
    case recycle
    /// From a worker: a client asks for a model to be loaded or unloaded. The number comes back with the reply.
    case load(request: Int, model: String)
    case unload(request: Int, model: String)
    /// From the supervisor: how that went; an empty text means well.
    case reply(request: Int, problem: String)
    /// From the supervisor: it is busy with another change; the client is to come back.
    case busy(request: Int)
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
            case .recycle: "recycle"
            case .load(let request, let model): "load \(request) \(model)"
            case .unload(let request, let model): "unload \(request) \(model)"
            case .reply(let request, let problem): "reply \(request) \(problem)"
            case .busy(let request): "busy \(request)"
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
        case ("recycle", _): self = .recycle
        case ("load", let number?): self = .load(request: number, model: tail)
        case ("unload", let number?): self = .unload(request: number, model: tail)
        case ("reply", let number?): self = .reply(request: number, problem: tail)
        case ("busy", let number?): self = .busy(request: number)
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

    /// What has come.
    package enum Input: Equatable {
        case message(FleetMessage)
        /// The other end is closed.
        case end
    }

    /// The next input; nil if none is there.
    package func receive() -> Input? {
        var buffer = [UInt8](repeating: 0, count: FleetMessage.maxBytes)
        let count: Int?
        do {
            count = try buffer.withUnsafeMutableBytes { try descriptor.receive(into: $0) }
        } catch {
            return .end
        }
        guard let count else { return nil }
        if count == 0 { return .end }
        return FleetMessage(buffer[..<count]).map(Input.message)
    }
}
