// SPDX-License-Identifier: MIT

import HTTP

/// A request whose body is a row of messages, each answered when it has come: a stream of gRPC, both ways. HTTP/2 only.
package struct MessageStream: Sendable {
    /// The largest message, in bytes, without its prefix.
    package let maxMessageBytes: Int
    /// The status and headers, sent with the first answer, and the trailers, sent when the client has ended its side and the last
    /// message is answered.
    package let response: Response
    /// Answers a message, which comes with its prefix of five bytes. Called for one message at a time, in their order. The
    /// answer's body is appended to the stream; an answer that has trailers ends it with them.
    package let handle: @Sendable ([UInt8]) -> Handling
    /// For a stream that stays open whatever the client does, until the server drains: what it is sent then, and the trailers.
    package let farewell: (@Sendable () -> Response)?

    package init(
        maxMessageBytes: Int, response: Response, farewell: (@Sendable () -> Response)? = nil,
        handle: @escaping @Sendable ([UInt8]) -> Handling
    ) {
        self.maxMessageBytes = maxMessageBytes
        self.response = response
        self.farewell = farewell
        self.handle = handle
    }
}
