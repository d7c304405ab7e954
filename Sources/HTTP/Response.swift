// SPDX-License-Identifier: MIT

import Text

/// What the server answers.
package struct Response: Equatable, Sendable {
    /// A header field of a response.
    package struct Header: Equatable, Sendable {
        /// The name, as it is written on the wire.
        package let name: String
        /// The value.
        package let value: String
    }

    /// The status.
    package var status: HTTPStatus
    /// Header fields but those that the encoder writes: Content-Length, Connection and Date.
    package private(set) var headers: [Header] = []
    /// Fields that follow the body. Only HTTP/2 sends them.
    package private(set) var trailers: [Header] = []
    /// The body; for HEAD only its length is sent.
    package var body: [UInt8]
    /// What went wrong, in words, if something did; the body says it too, in HTTP's form.
    package var problem: String?
    /// How the call of gRPC ended that this answers; nil for other requests, and where only HTTP has a word for it.
    package var grpcStatus: Int?
    /// Whether the connection ends with this response, whatever the client asks for.
    package var closesConnection = false

    /// - Parameters:
    ///   - status: The status.
    ///   - contentType: The value of Content-Type; none if nil.
    ///   - body: The body.
    package init(_ status: HTTPStatus, contentType: String? = nil, body: [UInt8] = []) {
        self.status = status
        self.body = body
        if let contentType { add("Content-Type", contentType) }
    }

    /// Adds a header field. Bytes that would end the line or are not printable become question marks, so that no value
    /// from outside can add a header or a response.
    package mutating func add(_ name: String, _ value: String) { headers.append(Self.clean(name, value)) }

    /// Adds a trailer, made safe in the same way.
    package mutating func addTrailer(_ name: String, _ value: String) { trailers.append(Self.clean(name, value)) }

    private static func clean(_ name: String, _ value: String) -> Header {
        let isClean = value.utf8.allSatisfy(ASCII.isPrintable)
        if isClean { return Header(name: name, value: value) }
        let safe = value.utf8.map { ASCII.isPrintable($0) ? $0 : ASCII.question }
        return Header(name: name, value: String(decoding: safe, as: UTF8.self))
    }

    /// The interim response that asks a waiting client for its body.
    package static let continueBytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Writes the response as it goes on the wire of HTTP/1.
    ///
    /// - Parameters:
    ///   - output: The bytes are appended here.
    ///   - isHead: Whether the request was HEAD: the body is left out, its length is not.
    ///   - keepsAlive: Whether the connection stays open; false if ``closesConnection``.
    ///   - version: That of the request: an HTTP/1.0 client is told when the connection stays.
    ///   - date: The value of the Date field.
    package func encode(
        into output: inout [UInt8], isHead: Bool, keepsAlive: Bool, version: RequestHead.Version, date: String
    ) {
        output.reserveCapacity(output.count + 256 + (isHead ? 0 : body.count))
        func line(_ parts: String...) {
            for part in parts { output.append(contentsOf: part.utf8) }
            output.append(ASCII.carriageReturn)
            output.append(ASCII.lineFeed)
        }
        line("HTTP/1.1 ", String(status.code), " ", status.reason)
        line("Date: ", date)
        for header in headers { line(header.name, ": ", header.value) }
        // An answer without the bytes that the client has does not say how many they are.
        if status != .notModified { line("Content-Length: ", String(body.count)) }
        if closesConnection || !keepsAlive {
            line("Connection: close")
        } else if version == .http10 {
            line("Connection: keep-alive")
        }
        line()
        if !isHead { output.append(contentsOf: body) }
    }
}
