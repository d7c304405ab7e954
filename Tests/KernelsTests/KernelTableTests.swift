// SPDX-License-Identifier: MIT

import Kernels
import Testing

@Suite("KernelTable")
struct KernelTableTests {
    @Test("the widest level comes first, the portable one last")
    func listsLevels() {
        let names = KernelTable.available.map(\.name)
        #expect(names.last == "portable")
        #expect(names == KernelLevel.allCases.reversed().map(\.rawValue).filter(names.contains))
    }

    @Test("a level is chosen by its name, and the widest without one")
    func choosesLevels() throws {
        for kernels in KernelTable.available {
            #expect(try KernelTable.select(named: kernels.name).get().name == kernels.name)
        }
        #expect(try KernelTable.select(named: nil).get().name == KernelTable.available.first?.name)
    }

    @Test("an unknown level is refused with the known ones")
    func refusesUnknownLevel() {
        let error = #expect(throws: KernelError.self) { try KernelTable.select(named: "sse9").get() }
        #expect(error?.description == "SWIFTNET_ISA is 'sse9', expected one of portable, avx2, avx512")
    }
}
