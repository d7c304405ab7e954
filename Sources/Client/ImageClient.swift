// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Synchronization
import SystemCalls
import Text

/// Asks running servers about images, for one thread: in batches, with other servers and again where one does not answer.
///
/// An image has one answer, however often it had to be sent: what a server lost is asked again, and what it answered is not.
package final class ImageClient {
    /// What all clients of a run have in common.
    package struct Settings: Sendable {
        package var servers: [ServerURL]
        package var model: String
        /// The key of servers that want one.
        package var key: String?
        /// How often a rotation model looks at each image: 1 or 4.
        package var views = 1
        /// How long servers are tried again of which none answers.
        package var patienceSeconds = 60
        package let lastAnswer = LastAnswer()
        /// How long one answer may take.
        package var timeoutMilliseconds = 60_000

        package init(servers: [ServerURL], model: String) {
            self.servers = servers
            self.model = model
        }
    }

    /// When any of the clients of a run got an answer last.
    package final class LastAnswer: Sendable {
        fileprivate let nanoseconds = Atomic<UInt64>(0)

        package init() {}
    }

    /// The servers are too busy for so many images at once.
    private struct Busy: Error {}

    /// How often a busy server is asked for a whole batch, before it is asked for parts of it.
    private static let triesOfWhole = 2

    /// Bytes of images in one request; servers take bodies of 16 MiB if not told otherwise, and base64 makes them longer by a third.
    private static let maxRequestBytes = 8 << 20

    private let settings: Settings
    private let connections: [ServerConnection]
    private var current: Int

    /// - Parameter first: Which of the servers is asked first; the threads of a run begin with different ones.
    package init(_ settings: Settings, first: Int) {
        self.settings = settings
        connections = settings.servers.map {
            ServerConnection($0, timeoutMilliseconds: settings.timeoutMilliseconds)
        }
        current = first % max(1, connections.count)
    }

    /// The names of the models that the first server that answers serves.
    ///
    /// - Throws: `ClientError`.
    package static func modelNames(_ settings: Settings) throws -> [String] {
        let client = ImageClient(settings, first: 0)
        let body = try client.answer("POST", "/v2/repository/index", Array(#"{"ready": true}"#.utf8))
        var names: [String] = []
        var reader = JSONReader(body[...])
        try reader.readArray { reader in
            try reader.readObject { reader, name in
                guard name == "name" else { return try reader.skipValue() }
                let model = try reader.readString().string
                if !names.contains(where: { haveSameBytes($0, model) }) { names.append(model) }
            }
        }
        return names
    }

    /// Has images answered; a bad one does no harm to the others.
    ///
    /// - Returns: A result for each image, in order.
    /// - Throws: `ClientError.refused` where no image would be answered, `ClientError.noAnswer`, `ClientError.unexpected`.
    package func classify(_ images: [[UInt8]]) throws -> [Result<ServerAnswer, any Error>] {
        var results: [Result<ServerAnswer, any Error>] = []
        while results.count < images.count {
            var end = results.count
            var bytes = 0
            repeat {
                bytes += images[end].count
                end += 1
            } while end < images.count && bytes + images[end].count <= Self.maxRequestBytes
            results += try ask(Array(images[results.count..<end]))
        }
        return results
    }

    private func ask(_ images: [[UInt8]]) throws -> [Result<ServerAnswer, any Error>] {
        var body = Array(#"{"images":["#.utf8)
        for (index, image) in images.enumerated() {
            if index > 0 { body.append(ASCII.comma) }
            body.append(ASCII.quote)
            body += base64Encoded(image)
            body.append(ASCII.quote)
        }
        body += settings.views == 1 ? Array("]}".utf8) : Array(#"],"views":\#(settings.views)}"#.utf8)
        do {
            let answer = try answer("POST", "/predict/\(settings.model)", body, canBeParted: images.count > 1)
            let results = try ServerAnswer.list(in: answer)
            guard results.count == images.count else {
                throw ClientError.unexpected(
                    server: connections[current].url.description,
                    problem: "\(results.count) answers to \(images.count) images")
            }
            return results
        } catch let error as JSONError {
            throw ClientError.unexpected(server: connections[current].url.description, problem: "\(error)")
        } catch ClientError.refused(_, let status, let message) where [400, 413, 415, 422].contains(status) {
            // One of them may be too much, or all together.
            if images.count == 1 { return [.failure(ClientError.image(message))] }
            return try askForHalves(images)
        } catch is Busy {
            return try askForHalves(images)
        }
    }

    private func askForHalves(_ images: [[UInt8]]) throws -> [Result<ServerAnswer, any Error>] {
        let half = images.count / 2
        return try ask(Array(images[..<half])) + ask(Array(images[half...]))
    }

    /// The body of a good answer, from whichever server gives one.
    ///
    /// - Throws: `Busy` if no server has the time for what can be parted.
    private func answer(
        _ method: String, _ path: String, _ body: [UInt8], canBeParted: Bool = false
    ) throws -> [UInt8] {
        var headers = [("Content-Type", "application/json")]
        if let key = settings.key { headers.append(("Authorization", "Bearer \(key)")) }
        let start = SystemClock.monotonicNanoseconds()
        var wait = 50
        var problem = ""
        var (tried, timesBusy) = (0, 0)
        while true {
            let connection = connections[current]
            do {
                let answer = try connection.ask(method, path, headers: headers, body: body)
                switch answer.status {
                case 200:
                    settings.lastAnswer.nanoseconds.store(SystemClock.monotonicNanoseconds(), ordering: .relaxed)
                    return answer.body
                case 429, 500, 502, 503, 504:
                    timesBusy += 1
                    // What took too long once takes too long again.
                    if canBeParted, timesBusy >= Self.triesOfWhole || answer.status == 504 { throw Busy() }
                    problem = "\(connection.url): status \(answer.status)"
                    if let seconds = answer.headers["retry-after"].flatMap({ Int($0.string) }),
                        (0...60).contains(seconds)
                    {
                        // With other servers there is no need to wait for this one.
                        if connections.count == 1 { wait = max(wait, min(seconds, 5) * 1000) }
                    }
                default:
                    throw ClientError.refused(
                        server: connection.url.description, status: answer.status,
                        message: ServerAnswer.problem(in: answer.body) ?? "no reason given")
                }
            } catch let error as ClientError {
                throw error
            } catch let error as Busy {
                throw error
            } catch {
                problem = "\(error)"
            }
            let last = max(start, settings.lastAnswer.nanoseconds.load(ordering: .relaxed))
            let now = SystemClock.monotonicNanoseconds()
            let elapsed = now > last ? Int((now - last) / 1_000_000_000) : 0
            if elapsed >= settings.patienceSeconds { throw ClientError.noAnswer(seconds: elapsed, problem: problem) }
            current = (current + 1) % connections.count
            tried += 1
            // All have been tried in a row: give them time.
            if tried % connections.count == 0 {
                SystemClock.sleep(milliseconds: wait)
                wait = min(2 * wait, 2000)
            }
        }
    }
}
