// SPDX-License-Identifier: MIT

import HTTP
import Protocols

/// The frames in which messages go: a byte of flags, the length in four bytes, the message.
///
/// - Source: grpc.github.io, "gRPC over HTTP2", Length-Prefixed-Message.
package enum GRPCFrame {
    /// Flags and length.
    package static let prefixBytes = 5
    /// The flag of a compressed message.
    static let compressed: UInt8 = 1
    /// The flag of gRPC-Web's last frame, which holds the trailers as text.
    static let trailers: UInt8 = 0x80

    /// Appends a frame.
    static func append(_ message: [UInt8], flags: UInt8 = 0, to output: inout [UInt8]) {
        let count = UInt32(truncatingIfNeeded: message.count)
        output.append(flags)
        for shift in stride(from: UInt32(24), through: 0, by: -8) {
            output.append(UInt8(truncatingIfNeeded: count >> shift))
        }
        output.append(contentsOf: message)
    }

    /// Splits bytes into the frames that they are.
    ///
    /// - Throws: ``RequestRefusal`` if they end within a frame, or one has a flag that no request's can have.
    static func split(_ bytes: [UInt8]) throws -> [(isCompressed: Bool, message: ArraySlice<UInt8>)] {
        var frames: [(isCompressed: Bool, message: ArraySlice<UInt8>)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= prefixBytes else { throw cutOff(rest.count) }
            let flags = rest[rest.startIndex]
            let count = rest.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard flags & ~compressed == 0 else {
                throw RequestRefusal(
                    .badRequest, "a message's flags are \(flags); expected 0, or 1 if it is compressed")
            }
            rest = rest.dropFirst(prefixBytes)
            guard count <= rest.count else { throw cutOff(rest.count, of: count) }
            frames.append((flags & compressed != 0, rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return frames
    }

    private static func cutOff(_ count: Int, of expected: Int = prefixBytes) -> RequestRefusal {
        RequestRefusal(.badRequest, "a message ends after \(count) bytes; expected \(expected)")
    }
}
