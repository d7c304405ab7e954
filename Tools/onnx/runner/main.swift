// SPDX-License-Identifier: MIT

import Glibc
import ONNXCases
import SystemCalls

// Runs a file of ONNX's test cases; prints a line for each: its name, a tab, what came of it.
if let path = CommandLine.arguments.dropFirst().first {
    let file = try MappedFile(path: path)
    for test in try ONNXCase.all(Array(file.bytes)) {
        let status = test.run().split(whereSeparator: \.isNewline).joined(separator: " ")
        print("\(test.name)\t\(status)")
        fflush(nil)
    }
} else {
    print("usage: onnx-runner CASES")
}
