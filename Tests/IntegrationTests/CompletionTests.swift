// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing

/// What bash offers behind the words so far, asked of bash itself with the script that the program prints.
@Suite("completions") struct CompletionTests {
    private func offered(_ program: String, _ words: [String]) throws -> [String] {
        let path = try Command.path(program)
        let folder = URL(filePath: path).deletingLastPathComponent().path
        let quoted = words.map { "'\($0)'" }.joined(separator: " ")
        let script = """
            PATH='\(folder)':$PATH
            source <(\(program) --generate-completion-script bash)
            COMP_WORDS=(\(program) \(quoted)); COMP_CWORD=\(words.count); COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
            function=$(complete -p \(program) | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
            "$function" \(program) "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try Command.run(
            path: "/bin/bash", ["--norc", "-c", script], environment: ["SWIFTNET_WEIGHTS": packageFolder + "/Weights"])
        return result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
            !$0.isEmpty
        }
    }

    @Test("models are offered by the names of the repository")
    func models() throws {
        for command in ["infer", "rotate", "bench", "plan", "profile", "serve"] {
            let offered = try offered("swiftnet", [command, "--model", ""])
            #expect(Set(offered).isSuperset(of: ["mnist", "mnist-mlp", "rotation"]), "\(command): \(offered)")
        }
        #expect(try offered("swiftnet", ["infer", "--model", "ro"]) == ["rotation"])
    }

    @Test("the server's models have versions too, and come from the repository that the line names")
    func versions() throws {
        #expect(try offered("swiftnet", ["serve", "--model", "mnist@"]) == ["mnist@1", "mnist@2"])
        let folder = try TemporaryFolder()
        let model = try Command.run(
            "swiftnet",
            ["add", "--weights", folder.url.path, "pencils", packageFolder + "/Weights/mnist-mlp/1/model.pth"])
        #expect(model.exitCode == 0, "\(model)")
        #expect(try offered("swiftnet", ["infer", "--weights", folder.url.path, "--model", ""]) == ["pencils"])
    }

    @Test("modes, levels and subcommands are offered")
    func words() throws {
        #expect(try offered("swiftnet", ["serve", "--mode", ""]) == ["process", "thread"])
        #expect(try offered("swiftnet", ["serve", "--mode", "t"]) == ["thread"])
        #expect(try offered("swiftnet", ["serve", "--log-level", ""]).contains("warning"))
        #expect(try offered("swiftnet", ["ser"]) == ["serve"])
        #expect(try offered("weight-extract", ["--dty"]) == ["--dtype"])
    }
}
