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
    /// Its body, of at most so many bytes, is read; then the function says what is to be done for it.
    case admitted(maxBodyBytes: Int, @Sendable (Request) -> Handling)

    /// Admits a request with any body that the server reads at all.
    package static func admitted(_ handle: @escaping @Sendable (Request) -> Handling) -> Admission {
        .admitted(maxBodyBytes: .max, handle)
    }
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
}
