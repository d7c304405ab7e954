// SPDX-License-Identifier: MIT

import API
import ArgumentParser
import CommandSupport
import SystemCalls

/// The program's start. It answers `--version` itself: a flag of the whole program would take the place of the option of
/// that name by which commands choose a model's version.
@main
enum Program {
    static func main() {
        // Swift's own arguments have lost what is no UTF-8.
        let arguments = ProcessEnvironment.arguments
        if arguments == ["--version"] {
            print("swiftnet \(API.version)")
        } else {
            run(arguments)
        }
    }

    private static func run(_ arguments: [String]) {
        do {
            var command = try namedCommand(arguments) ?? SwiftNetCommand.parseAsRoot(arguments)
            do {
                try command.run()
            } catch let error as ValidationError {
                refuse(error, of: type(of: command))
            }
        } catch {
            SwiftNetCommand.exit(withError: error)
        }
    }

    /// The command that the first argument names, parsed by itself. The whole tree would try two hidden commands for
    /// completion scripts first, at each start; a command with a super-command is not asked for one.
    ///
    /// - Returns: nil for all that the tree has to explain: help, wrong usage, a name that is none.
    private static func namedCommand(_ arguments: [String]) -> (any ParsableCommand)? {
        guard
            let type = SwiftNetCommand.configuration.subcommands.first(where: {
                $0.configuration.commandName == arguments.first
            }), let command = try? type.parseAsRoot(Array(arguments.dropFirst())), Swift.type(of: command) == type
        else { return nil }
        return command
    }

    /// Wrong usage that a command found when it ran is told as that which its flags show: with the command's own usage.
    private static func refuse(_ error: ValidationError, of command: any ParsableCommand.Type) -> Never {
        let name = command.configuration.commandName ?? ""
        writeStandardError(
            """
            Error: \(Printable.line(error.message))
            Usage: \(SwiftNetCommand.usageString(for: command))
              See 'swiftnet \(name) --help' for more information.\n
            """)
        SwiftNetCommand.exit(withError: Failure.usage)
    }
}

/// `swiftnet`.
struct SwiftNetCommand: ParsableCommand {
    static let name = "swiftnet"
    static let configuration = CommandConfiguration(
        commandName: name,
        abstract: "Runs image networks trained in PyTorch, without Python.",
        discussion: """
            'swiftnet --version' prints the version.

            EXAMPLES
              swiftnet infer digit.png
              swiftnet rotate --dry-run photos/
              swiftnet serve
              swiftnet add flowers model.onnx --labels flowers.txt

            EXIT CODES
              0   all went well
              1   some files failed; the others were answered
              64  wrong usage
              65  bad data: an image, weights or a description that can't be read
              66  missing input: a file, a model or a version that isn't there
              69  a server that was asked does not answer, or refuses
            """,
        subcommands: [
            InferCommand.self, RotateCommand.self, ServeCommand.self, ReloadCommand.self, ModelsCommand.self,
            AddCommand.self, QuantizeCommand.self, InspectCommand.self, PlanCommand.self, BenchCommand.self,
            ProfileCommand.self,
            ServeWorkerCommand.self,
        ])
}
