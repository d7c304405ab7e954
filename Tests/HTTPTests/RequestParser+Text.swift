// SPDX-License-Identifier: MIT

import HTTP

/// What a stream of bytes turned out to hold.
struct ParsedStream: Equatable {
    var heads: [RequestHead] = []
    var bodies: [String] = []
    var error: HTTPError?

    /// Parses a connection's whole input.
    ///
    /// - Parameter pieceSize: How many bytes arrive at a time; all at once if nil.
    init(_ text: String, limits: HTTPLimits = HTTPLimits(), pieceSize: Int? = nil) {
        self.init(Array(text.utf8), limits: limits, pieceSize: pieceSize)
    }

    init(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits(), pieceSize: Int? = nil) {
        var parser = RequestParser(limits: limits)
        let step = max(1, pieceSize ?? bytes.count)
        do {
            for start in stride(from: 0, to: bytes.count, by: step) {
                Array(bytes[start..<min(start + step, bytes.count)]).withUnsafeBytes { parser.append($0) }
                while let event = try parser.next() {
                    switch event {
                    case .head(let head): heads.append(head)
                    case .body(let body): bodies.append(String(decoding: body, as: UTF8.self))
                    }
                }
            }
        } catch {
            self.error = error
        }
    }
}

/// A request with the given header lines and body behind a valid request line and Host.
func request(_ lines: String..., body: String = "", line: String = "POST /x HTTP/1.1") -> String {
    ([line, "Host: a"] + lines + ["", body]).joined(separator: "\r\n")
}
