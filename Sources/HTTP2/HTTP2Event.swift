// SPDX-License-Identifier: MIT

import HTTP

/// What a client did on a stream: one request and its answer.
package enum HTTP2Event: Equatable, Sendable {
    /// A request's head, or why it is none. ``end(stream:)`` follows at once if it has no body.
    case head(stream: Int32, Result<RequestHead, HTTPError>)
    /// Bytes of the body. Tell the session when they are taken up, or that nobody wants them.
    case data(stream: Int32, [UInt8])
    /// The client has sent all.
    case end(stream: Int32)
    /// The stream is gone: answered, or given up by the client or by the session. Nothing can be sent on it.
    case closed(stream: Int32)
}
