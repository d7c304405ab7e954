// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite("Allocations")
struct AllocationTests {
    @Test("a run allocates nothing, in any network, layout, batch and number of threads")
    func runsAllocateNothing() throws {
        let folder = try TemporaryFolder()
        let result = try Command.run(
            "allocation-probe", [],
            environment: ["LD_PRELOAD": "libc_malloc_debug.so.0", "MALLOC_TRACE": folder.path("trace")])
        #expect(result.exitCode == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.first?.last == "10", "the probe does not see what is allocated: \(lines)")
        #expect(lines.count == 1 + 6 * 3 * 2 * 2)
        for line in lines.dropFirst() { #expect(line.last == "0", "\(line.joined(separator: " "))") }
    }
}
