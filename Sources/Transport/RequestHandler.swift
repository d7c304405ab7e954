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

extension Handling {
    /// Work that takes its time, done by itself.
    package static func alone(_ work: @escaping @Sendable (any InferenceRunner) throws -> Response) -> Handling {
        .work { runner in .alone { try work(runner) } }
    }
}

/// A client's request to change what is served.
package enum FleetCommand: Equatable, Sendable {
    /// Load a model of the repository, or its newest version.
    case load(model: String)
    /// Serve a model no longer.
    case unload(model: String)
    /// Serve this version of a model in place of those that are served.
    case use(model: String, version: Int)
}

/// What an inference thread does for a request first: it reads the request, which is quick.
package typealias RequestWork = @Sendable (any InferenceRunner) throws -> RequestStep

/// What a request that has been read needs.
package enum RequestStep {
    /// Nothing more: it is answered.
    case answer(Response)
    /// Work of its own that may take long.
    case alone(() throws -> Response)
    /// A run of a network, which runs of other requests may join; then the answer. The last argument says whether this request
    /// is the first of those that were one run.
    case run(NetworkRun, answer: (Result<NetworkRun.Output, any Error>, _ isFirst: Bool) throws -> Response)

    /// The same with what becomes of its errors.
    package func catching(_ response: @escaping (any Error) -> Response) -> RequestStep {
        func caught(_ body: () throws -> Response) -> Response {
            do {
                return try body()
            } catch {
                return response(error)
            }
        }
        return switch self {
        case .answer: self
        case .alone(let work): .alone { caught(work) }
        case .run(let run, let answer): .run(run) { output, isFirst in caught { try answer(output, isFirst) } }
        }
    }

    /// Does what is needed at once, alone.
    package func response(from runner: any InferenceRunner) throws -> Response {
        switch self {
        case .answer(let response): response
        case .alone(let work): try work()
        case .run(let run, let answer): try answer(Result { try run.output(of: runner) }, true)
        }
    }
}

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
