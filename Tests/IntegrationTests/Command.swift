// SPDX-License-Identifier: MIT

import Foundation
import TestSupport

/// One of the package's programs, run to its end.
struct Command {
    /// What a program left behind.
    struct Result {
        let exitCode: Int32
        let output: String
        let errors: String
    }

    enum Failure: Error {
        case doesNotEnd(String)
    }

    /// The longest that a program may run: one that waits for ever is to fail its test.
    private static let limitSeconds: UInt64 = 300

    /// Runs `name` from the folder that the tests were built into.
    ///
    /// - Parameter environment: Set beside this process's own.
    static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> Result {
        try run(path: try path(name), arguments, environment: environment, input: input)
    }

    /// Runs any program.
    ///
    /// - Parameter input: The file that is its standard input; nothing by default.
    static func run(
        path: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = try input.map { try FileHandle(forReadingFrom: URL(filePath: $0)) } ?? .nullDevice
        let files = try TemporaryFolder()
        let outputs = try ["output", "errors"].map { name in
            let url = files.url.appending(path: name)
            try Data().write(to: url)
            return (url, try FileHandle(forWritingTo: url))
        }
        process.standardOutput = outputs[0].1
        process.standardError = outputs[1].1
        try process.run()
        guard eventually(withinSeconds: limitSeconds, everyMilliseconds: 2, { !process.isRunning }) else {
            kill(process.processIdentifier, SIGKILL)
            throw Failure.doesNotEnd("\(path) \(arguments.joined(separator: " "))")
        }
        let texts = try outputs.map { String(decoding: try Data(contentsOf: $0.0), as: UTF8.self) }
        return Result(exitCode: process.terminationStatus, output: texts[0], errors: texts[1])
    }

    /// Where a program of the package lies: beside the tests.
    static func path(_ name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests).deletingLastPathComponent().appending(path: name).path
    }
}
