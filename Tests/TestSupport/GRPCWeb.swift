// SPDX-License-Identifier: MIT

/// gRPC-Web as a client sees it, for tests. Shares no code with the server.
package enum GRPCWeb {
    /// The header that names the form.
    package static let contentType = "Content-Type: application/grpc-web+proto"

    /// A message in its frame.
    package static func frame(_ message: [UInt8], flags: UInt8 = 0) -> [UInt8] {
        [flags] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
    }

    /// What a server answered.
    package struct Answer: Equatable {
        /// The messages.
        package private(set) var messages: [[UInt8]] = []
        /// `grpc-status`; nil if there was none.
        package private(set) var status: Int?
        /// `grpc-message`, as it came.
        package private(set) var text = ""

        /// Reads the body; nil if it is malformed.
        package init?(_ body: [UInt8]) {
            var rest = body[...]
            while !rest.isEmpty {
                guard rest.count >= 5, let flags = rest.popFirst() else { return nil }
                let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(4)
                guard rest.count >= count, status == nil else { return nil }
                let content = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
                switch flags {
                case 0: messages.append(content)
                case 0x80: readTrailers(content)
                default: return nil
                }
            }
        }

        private mutating func readTrailers(_ bytes: [UInt8]) {
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\r\n") {
                let parts = line.split(separator: ":", maxSplits: 1).map { $0.drop { $0 == " " } }
                if parts.first == "grpc-status" { status = parts.count > 1 ? Int(parts[1]) : nil }
                if parts.first == "grpc-message" { text = parts.count > 1 ? String(parts[1]) : "" }
            }
        }
    }
}
