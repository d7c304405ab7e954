// SPDX-License-Identifier: MIT

import Foundation
import SystemCalls
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
}
