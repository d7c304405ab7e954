// SPDX-License-Identifier: MIT

import ArgumentParser
import SystemCalls

/// `swiftnet`.
@main
struct SwiftNetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swiftnet",
        abstract: "Runs image classifiers trained in PyTorch, without Python.",
        discussion: """
            EXIT CODES
              0   all went well
              1   some files failed; the others were answered
              64  wrong usage
              65  bad data: an image, weights or a description that can't be read
              66  missing input: a file, a model or a version that isn't there
            """,
        subcommands: [
            InferCommand.self, RotateCommand.self, ServeCommand.self, ModelsCommand.self, InspectCommand.self,
            BenchCommand.self, ProfileCommand.self, ServeWorkerCommand.self,
        ])

    /// The version of the release.
    static let version = "0.1.0"

    // A flag of its own: the built-in one would show in the help of subcommands, some of which take a model's --version.
    @Flag(name: .customLong("version"), help: "Show the version.")
    var showsVersion = false

    func run() throws {
        guard showsVersion else { throw CleanExit.helpRequest(self) }
        try writeStandardOutput("swiftnet \(Self.version)\n")
    }
}
