// SPDX-License-Identifier: MIT

import HTTP
import Protocols

/// A whole request.
package struct Request: Sendable {
    /// Its first line and headers.
    package let head: RequestHead
    /// Its body as it came, still compressed if the client compressed it.
    package let body: [UInt8]

    package init(head: RequestHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}

/// What is to be done with a request whose head has been read.
package enum Admission: Sendable {
    /// It is refused.
    case refused(Response)
    /// Its body, of at most so many bytes, is read; then the function says what is to be done for it. The timeout, from the
    /// request's end to its answer, shortens the server's own, and never lengthens it.
    case admitted(maxBodyBytes: Int, timeoutNanoseconds: UInt64? = nil, handle: @Sendable (Request) -> Handling)
    /// Its body is a row of messages, each answered by itself.
    case messages(MessageStream)
}

/// What is to be done for a request.
package enum Handling: Sendable {
    /// It is answered already.
    case answer(Response)
    /// It needs the models: the work goes through the queue to an inference thread.
    case work(RequestWork)
    /// It changes what is served: the supervisor does it.
    case command(FleetCommand)
}

/// A client's wish to change what is served.
package enum FleetCommand: Equatable, Sendable {
    /// Load a model of the repository, or its newest version.
    case load(model: String)
    /// Serve a model no longer.
    case unload(model: String)
    /// Serve this version of a model in place of those that are served.
    case use(model: String, version: Int)
}

/// What an inference thread does for a request.
package typealias RequestWork = @Sendable (any InferenceRunner) throws -> Response

/// The protocols on top of the transport: from a request to its answer. Called on the event loop, so it must be quick.
package protocol RequestHandler: Sendable {
    /// Looks at a request before its body is read.
    ///
    /// - Returns: The route's label, and what is to be done with the request.
    func admit(_ head: RequestHead, from peer: Peer) -> (RouteLabel, Admission)

    /// Header fields that each answer to a request has, whatever it is.
    func headers(for head: RequestHead) -> [(name: String, value: String)]

    /// Gives an answer that the transport made, a refusal for example, the form of the request's protocol.
    func rendered(_ response: Response, for head: RequestHead) -> Response
}
