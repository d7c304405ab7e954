// SPDX-License-Identifier: MIT

import Glibc
import SystemCalls
import Testing

@Suite("Memory for numbers")
struct LargeMemoryTests {
    @Test(
        "reserved memory is zero to its last byte, and begins where pages do", arguments: [1, 4096, 100_000, 5 << 20])
    func reserved(count: Int) throws {
        let memory = try #require(ReservedMemory(byteCount: count))
        #expect(UInt(bitPattern: memory.base) % (count >= 2 << 20 ? 2 << 20 : 4096) == 0)
        let bytes = UnsafeMutableRawBufferPointer(start: memory.base, count: count)
        #expect(bytes.allSatisfy { $0 == 0 })
        for index in stride(from: 0, to: count, by: 4000) { bytes[index] = 1 }
        bytes[count - 1] = 7
        #expect(bytes[count - 1] == 7)
        memory.giveBack()
        #expect(bytes.allSatisfy { $0 == 0 })
        bytes[count - 1] = 9
        #expect(bytes[count - 1] == 9)
    }

    @Test("memory that is given back is the kernel's")
    func givenBack() {
        let size = 16 << 20
        let memory = AlignedMemory(byteCount: size)
        memset(memory.base, 1, size)
        func residentPages() -> Int {
            var pages = [UInt8](repeating: 0, count: size / Int(sysconf(Int32(_SC_PAGESIZE))))
            #expect(mincore(memory.base, size, &pages) == 0)
            return pages.count { $0 & 1 == 1 }
        }
        #expect(residentPages() > 0)
        memory.giveBack()
        #expect(residentPages() == 0)
        #expect(memory.floats[size / 8] == 0)
    }

    @Test("a size that no process can have is refused")
    func tooMuch() {
        #expect(ReservedMemory(byteCount: 1 << 60) == nil)
    }
}
