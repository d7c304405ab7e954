// SPDX-License-Identifier: MIT

import ONNXCases
import TestSupport
import Testing

/// ONNX's own tests, by the operators' references. `Tools/onnx/scoreboard` chooses them and writes what is known of each.
@Suite struct SelectionTests {
    private static let cases: [ONNXCase] = {
        guard let bytes = readFile(goldensFolder(beside: #filePath) + "/selection.cases") else { return [] }
        return (try? ONNXCase.all(bytes)) ?? []
    }()

    /// A case that passes though the file says otherwise is a fault too: the table is to be written anew.
    @Test func eachCaseGivesWhatIsKnownOfIt() {
        #expect(Self.cases.count > 800)
        for test in Self.cases {
            let status = test.run()
            #expect(status == test.status, "\(test.name)")
        }
    }

    /// The committed table says of each case what the file says.
    @Test func theTableHasNotDriftedApart() throws {
        let bytes = try #require(readFile(packageFolder + "/Documentation/ONNXScoreboard.md"))
        let lines = Set(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
        for test in Self.cases {
            let status = test.status.map { $0 == "|" ? "/" : String($0) }.joined()
            let kinds = ["node", "light", "simple", "pytorch-converted", "pytorch-operator"]
            #expect(kinds.contains { lines.contains("| \(test.name) | \($0) | \(status) |") }, "\(test.name)")
        }
    }
}
