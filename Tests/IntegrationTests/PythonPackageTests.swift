// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// The package for Python in `Tools/python`: its own tests, with the program that was built. They need Python 3.10 and nothing else.
@Suite struct PythonPackageTests {
    private static let python = ["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))"]
    private static let isInstalled = (try? Command.run(path: "/usr/bin/env", python).exitCode) == 0

    @Test(.enabled(if: isInstalled, "Python 3.10 is not installed"))
    func itsTestsPass() throws {
        let tools = ServerProcess.packageRoot.appending(path: "Tools/python").path
        let result = try Command.run(
            path: "/usr/bin/env", ["python3", "-m", "unittest", "discover", "-s", tools + "/tests", "-t", tools],
            environment: ["SWIFTNET_PROGRAM": try Command.path("swiftnet"), "PYTHONDONTWRITEBYTECODE": "1"])
        #expect(result.exitCode == 0, "\(result.errors)")
    }
}
