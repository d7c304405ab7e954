// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
import TestSupport
import Testing

/// Clients that others wrote, unchanged. They run where `Tools/clients/requirements.txt` is installed in
/// `Tools/clients/.venv`.
@Suite struct ServerClientTests {
    private static let tools = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Tools/clients")
    private static let python = tools.appending(path: ".venv/bin/python").path

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: python), "Tools/clients/.venv is not installed"),
        arguments: ["process", "thread"])
    func clientsWorkUnchanged(mode: String) throws {
        let port = try #require(FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: 0)).localPort)
        let server = try ServerProcess(mode: mode, ["--bind", "127.0.0.1:\(port)"])
        let script = Self.tools.appending(path: "check.py").path
        let result = try Command.run(path: Self.python, [script, "127.0.0.1:\(port)"])
        #expect(result.exitCode == 0, "\(result.errors) \(server.errors)")
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: python), "Tools/clients/.venv is not installed"),
        arguments: ["process", "thread"], ["triton_grpc.py", "kserve_grpc.py", "http2_rules.py"])
    func clientsOfHTTP2WorkUnchanged(mode: String, script: String) throws {
        let port = try #require(FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: 0)).localPort)
        let server = try ServerProcess(mode: mode, ["--bind", "127.0.0.1:\(port)"])
        let path = Self.tools.appending(path: script).path
        let result = try Command.run(path: Self.python, [path, "127.0.0.1:\(port)"])
        #expect(result.exitCode == 0, "\(result.output) \(result.errors) \(server.errors)")
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: python), "Tools/clients/.venv is not installed"),
        arguments: ["process", "thread"])
    func clientsOfThePhotoServiceWork(mode: String) throws {
        let port = try #require(FileDescriptor.listening(on: .tcp(host: "127.0.0.1", port: 0)).localPort)
        let folder = try TemporaryFolder()
        let arguments = try ServerGRPCTests.arguments(folder, mode: mode)
        let server = try ServerProcess(mode: mode, arguments + ["--bind", "127.0.0.1:\(port)"])
        let script = Self.tools.appending(path: "photo_service.py").path
        let result = try Command.run(
            path: Self.python,
            [
                script, "127.0.0.1:\(port)", "--token", "the-key-of-clients", "--admin-token", "the-key-of-admins1",
                "--other", "1",
            ])
        #expect(result.exitCode == 0, "\(result.output) \(result.errors) \(server.errors)")
    }
}
