// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// `swiftnet infer --server` before real servers.
@Suite(.serialized) struct InferOnServersTests {
    private let folder: TemporaryFolder
    private let files: [String]

    /// Copies of a digit, some photos of which are none among them.
    init() throws {
        folder = try TemporaryFolder()
        let digit = try Data(contentsOf: URL(filePath: packageFolder + "/Examples/digit.png"))
        var files: [String] = []
        for index in 0..<100 {
            let path = folder.path("\(1000 + index).png")
            try (index % 25 == 7 ? Data("no picture".utf8) : digit).write(to: URL(filePath: path))
            files.append(path)
        }
        self.files = files
    }

    private func url(_ server: ServerProcess) -> String { "\(server.address)" }

    private func lines(_ run: Command.Result) -> [String] { run.output.split(separator: "\n").map(String.init) }

    @Test func answersAreThoseOfTheProgramInOrder() throws {
        let server = try ServerProcess(mode: "process", ["--workers", "2", "--model", "mnist"])
        let here = try Command.run("swiftnet", ["infer", folder.path("")])
        let there = try Command.run("swiftnet", ["infer", "--server", url(server), folder.path("")])
        #expect(here.exitCode == 1 && there.exitCode == 1)
        #expect(lines(there) == lines(here) && lines(there).count == 96)
        #expect(there.errors.split(separator: "\n").count == 4, "\(there.errors)")
        let json = try Command.run("swiftnet", ["infer", "--json", "--top", "3", "--server", url(server), files[0]])
        #expect(
            json.exitCode == 0 && json.output.contains(#""label":"#) && json.output.contains(#""top":[{"#), "\(json)")
    }

    /// A server that is not there, and workers that die: nothing is lost, nothing comes twice.
    @Test func whatOneServerDoesNotAnswerAnotherIsAsked() throws {
        let server = try ServerProcess(mode: "process", ["--workers", "2", "--model", "mnist"])
        // Its processes are listed anew each time; nothing of it changes meanwhile.
        nonisolated(unsafe) let target = server
        let killer = try SystemCalls.Thread {
            for _ in 0..<3 {
                SystemClock.sleep(milliseconds: 150)
                target.workers.first?.send(SignalNumber.kill)
            }
        }
        let result = try Command.run(
            "swiftnet", ["infer", "--threads", "3", "--server", "127.0.0.1:9,\(url(server))", folder.path("")])
        killer.join()
        #expect(lines(result).count == 96, "\(result.errors)")
        #expect(lines(result) == lines(result).sorted())
    }

    @Test func whatIsWrongIsSaidInOneLine() throws {
        let keys = folder.path("keys")
        try Data("a-key-of-some-length predict\n".utf8).write(to: URL(filePath: keys))
        let server = try ServerProcess(mode: "thread", ["--threads", "1", "--model", "mnist", "--api-keys", keys])
        let cases: [([String], Int32, String)] = [
            (["--server", "https://example.org"], 64, "only http is spoken"),
            (["--server", "127.0.0.1:9"], 69, "no server answered"),
            (["--server", url(server)], 69, "status 401"),
            (["--server", url(server), "--api-key-file", keys, "--model", "nothing"], 69, "no model 'nothing'"),
            (["--server", url(server), "--api-key-file", folder.path("none")], 66, "none"),
        ]
        for (arguments, code, words) in cases {
            let result = try Command.run("swiftnet", ["infer"] + arguments + [files[0]])
            #expect(result.exitCode == code, "\(arguments): \(result)")
            #expect(
                result.errors.contains(words) && result.errors.split(separator: "\n").count <= 3, "\(result.errors)")
        }
        let good = try Command.run("swiftnet", ["infer", "--server", url(server), "--api-key-file", keys, files[0]])
        #expect(good.exitCode == 0, "\(good)")
        let byEnvironment = try Command.run(
            "swiftnet", ["infer", "--server", url(server), files[0]],
            environment: ["SWIFTNET_API_KEY": "a-key-of-some-length"])
        #expect(byEnvironment.exitCode == 0, "\(byEnvironment)")
    }
}
