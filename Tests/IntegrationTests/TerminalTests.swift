// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing

/// What is written to terminals, dumb ones, and to what is none.
@Suite("terminals") struct TerminalTests {
    private let pictures = ["digit.png", "mnist-form.png"].map { packageFolder + "/Examples/" + $0 }

    /// Runs `swiftnet infer` on two pictures, its standard error on a terminal; what the terminal gets is its output.
    private func onTerminal(_ environment: [String: String]) throws -> String {
        let words = [try Command.path("swiftnet"), "infer"] + pictures
        let command = words.map { "'\($0)'" }.joined(separator: " ") + " >/dev/null"
        let result = try Command.run(
            path: "/usr/bin/script", ["--quiet", "--return", "--command", command, "/dev/null"],
            environment: environment)
        #expect(result.exitCode == 0, "\(result)")
        return result.output
    }

    @Test("a terminal sees how far it is, without colours, and a clean line at the end")
    func progress() throws {
        for environment in [["TERM": "xterm-256color"], ["TERM": "xterm-256color", "NO_COLOR": "1"]] {
            let text = try onTerminal(environment)
            #expect(text.contains("] 1/2") && text.contains("[####"), "\(text)")
            // Colours are sequences that end in m.
            #expect(text.firstMatch(of: /\u{1B}\[[0-9;]*m/) == nil, "\(text)")
            #expect(text.hasSuffix("\r\u{1B}[K"), "\(text)")
        }
    }

    @Test("a dumb terminal, and one that does not say what it is, sees none", arguments: ["dumb", ""])
    func dumb(kind: String) throws {
        #expect(try onTerminal(["TERM": kind]).isEmpty)
    }

    @Test("a file or a pipe sees none")
    func noTerminal() throws {
        let result = try Command.run("swiftnet", ["infer"] + pictures, environment: ["TERM": "xterm-256color"])
        #expect(result.exitCode == 0 && result.errors.isEmpty)
        #expect(!result.output.contains("\u{1B}") && !result.output.contains("\r"))
    }
}
