// SPDX-License-Identifier: MIT

import SystemCalls
import Text

/// Where a server is asked: `http://host:port`, `host:port` or `unix:PATH`; a URL may have a path before the server's own.
package struct ServerURL: Equatable, Sendable, CustomStringConvertible {
    /// As it was given.
    package let description: String
    let address: SocketAddress
    /// What the header field Host says.
    let host: String
    /// The path before the server's own, without a slash at its end.
    let prefix: String

    /// Reads the text of an address; without a port it is 80 after `http://`, and 8000 else.
    ///
    /// - Throws: `ClientError.badURL`.
    package init(_ text: String) throws(ClientError) {
        description = text
        if text.hasPrefix("unix:") {
            guard let address = SocketAddress(text) else {
                throw .badURL(text, "the path of a socket has 1 to 107 bytes")
            }
            (self.address, host, prefix) = (address, "localhost", "")
            return
        }
        var rest = text[...]
        var defaultPort: UInt16 = 8000
        if let range = text.firstRange(of: "://") {
            guard text[..<range.lowerBound] == "http" else {
                throw .badURL(text, "only http is spoken; behind a proxy with TLS, name the server itself")
            }
            rest = text[range.upperBound...]
            defaultPort = 80
        }
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        let isPlain = path.utf8.allSatisfy { ASCII.isVisible($0) && $0 != ASCII.question && $0 != ASCII.hash }
        guard !authority.isEmpty, !authority.contains("@"), isPlain,
            let address = SocketAddress(String(authority), defaultPort: defaultPort)
        else { throw .badURL(text, "expected http://host:port, host:port or unix:PATH") }
        (self.address, host, prefix) = (address, String(authority), String(path))
    }
}

/// Why a server gave no answer.
package enum ClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No address of a server.
    case badURL(String, String)
    /// What was asked can't be had from the server, whatever is tried: a wrong key, an unknown model.
    case refused(server: String, status: Int, message: String)
    /// What the server says of one image.
    case image(String)
    /// No server answered in time; the last problem.
    case noAnswer(seconds: Int, problem: String)
    /// The server answered something else than predictions.
    case unexpected(server: String, problem: String)

    /// Whether the command line is wrong.
    package var isAboutUsage: Bool {
        if case .badURL = self { true } else { false }
    }

    /// Whether other images may be answered all the same.
    package var isAboutOneImage: Bool {
        if case .image = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .badURL(let text, let problem): "'\(text)': \(problem)"
        case .refused(let server, let status, let message): "\(server) refuses with status \(status): \(message)"
        case .image(let message): message
        case .noAnswer(let seconds, let problem): "no server answered in \(seconds) s; the last problem: \(problem)"
        case .unexpected(let server, let problem): "\(server) does not answer as swiftnet serve does: \(problem)"
        }
    }
}
