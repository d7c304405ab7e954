// SPDX-License-Identifier: MIT

import ArgumentParser
import Client
import CommandSupport
import Images
import Inference
import SystemCalls

/// `infer --server`: the images go to running servers.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Have running servers answer in place of this program: http://host:port, host:port or unix:PATH, several with commas "
                + "between. They are asked in batches; what one does not answer, another is asked, for a minute.",
            valueName: "url[,url...]"))
    var server: String?

    @Option(
        help: ArgumentHelp(
            "The file whose first line is the key for --server. (default: $SWIFTNET_API_KEY)", valueName: "file"),
        completion: .file())
    var apiKeyFile: String?

    /// Images in one request.
    static let batchSize = 16
    /// Connections to each server, if --threads does not say.
    static let connections = 4
    /// How long to try before any server has answered.
    static let firstPatienceSeconds = 5

    mutating func validate() throws {
        if apiKeyFile != nil, server == nil { throw ValidationError("--api-key-file is for --server.") }
        if let server, server.isEmpty { throw ValidationError("--server: expected an address.") }
    }

    /// What the clients are to do.
    ///
    /// - Parameter model: The model that the command line names; nil asks the server which it has.
    /// - Throws: `ClientError`, or an error of the system for the key's file.
    func settings(_ list: String, model: String?, views: Int) throws -> ImageClient.Settings {
        let urls = try list.split(separator: ",", omittingEmptySubsequences: false).map { try ServerURL(String($0)) }
        var settings = ImageClient.Settings(servers: urls, model: model ?? ModelOptions.defaultModel)
        if let apiKeyFile {
            let text = String(
                decoding: try FileDescriptor.contents(of: apiKeyFile, limit: 1 << 16),
                as: UTF8.self)
            let line = text.prefix { !$0.isNewline }
            settings.key = line.split(separator: " ").first.map(String.init)
        } else if let key = ProcessEnvironment.value("SWIFTNET_API_KEY"), !key.isEmpty {
            settings.key = key
        }
        settings.views = views
        var first = settings
        first.patienceSeconds = Self.firstPatienceSeconds
        let names = try ImageClient.modelNames(first)
        if model == nil, names.count == 1 { settings.model = names[0] }
        return settings
    }
}

extension InferCommand {
    /// Has the servers answer all images.
    func run(on servers: String) throws {
        let settings = try serverOptions.settings(servers, model: modelOptions.model, views: views)
        let inputs = InputFiles(files, recursive: recursive, limits: imageOptions.limits)
        for note in inputs.notes { writeStandardError("swiftnet: \(Printable.line(note))\n") }
        let count = inputs.items.count
        let batches = (count + ServerOptions.batchSize - 1) / ServerOptions.batchSize
        let connections = min(max(1, batches), threads ?? ServerOptions.connections * settings.servers.count)
        let progress = ProgressBar(total: count, isShown: count > 1)
        defer { progress.finish() }
        var failures: [any Error] = []
        try OrderedBatches.run(
            count: count, batchSize: ServerOptions.batchSize,
            workers: (0..<connections).map { number in
                let client = ClientBox(ImageClient(settings, first: number))
                return { client.answers(to: $0, from: inputs) }
            }
        ) { index, answer in
            let name = inputs.items[index].name
            do {
                let (prediction, milliseconds) = try answer.get()
                let line = report(prediction, name: name, milliseconds: milliseconds)
                try progress.interrupted { try writeStandardOutput(line + "\n") }
            } catch let error as ClientError where !error.isAboutOneImage {
                throw error
            } catch {
                failures.append(error)
                progress.interrupted { writeStandardError("swiftnet: \(Failure.message(error, about: name))\n") }
            }
            progress.advance()
        }
        if let first = failures.first { throw count == 1 ? Failure.exitCode(for: first) : Failure.someFailed }
    }

    private func report(_ answer: ServerAnswer, name: String, milliseconds: Double) -> String {
        if json { return answer.json(file: PathText.shown(name), top: top, milliseconds: milliseconds) }
        let classes = answer.likeliest.prefix(top).map {
            "\(Printable.line($0.label))  \(Percent.text($0.score))"
        }
        return "\(Printable.line(name)): " + classes.joined(separator: "  ")
    }

    /// A client, for the one thread that uses it.
    private final class ClientBox: @unchecked Sendable {
        private let client: ImageClient

        init(_ client: ImageClient) { self.client = client }

        /// The servers' answers to some of the images, with the milliseconds that each took; what can't be read is not sent.
        func answers(to images: Range<Int>, from inputs: InputFiles) -> [Result<(ServerAnswer, Double), any Error>] {
            let start = SystemClock.monotonicSeconds
            let read = images.map { index in Result { try inputs.read(index) } }
            let sent = read.compactMap { try? $0.get() }
            let answers: [Result<ServerAnswer, any Error>]
            do {
                answers = try client.classify(sent)
            } catch {
                answers = sent.map { _ in .failure(error) }
            }
            let milliseconds = (SystemClock.monotonicSeconds - start) * 1000 / Double(images.count)
            var next = 0
            return read.map { result in
                result.flatMap { _ in
                    defer { next += 1 }
                    return answers[next].map { ($0, milliseconds) }
                }
            }
        }
    }
}
