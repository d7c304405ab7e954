// SPDX-License-Identifier: MIT

import SystemCalls
import Testing

@Suite("CoreCount")
struct CoreCountTests {
    @Test("a quota is time over period; max, nonsense and negative times set none")
    func quotas() {
        #expect(CoreCount.parseQuota("50000 100000\n") == 0.5)
        #expect(CoreCount.parseQuota("400000 100000") == 4)
        for text in ["max 100000", "-1 100000", "", "5", "5 0", "a b", "1 2 3"] {
            #expect(CoreCount.parseQuota(text) == nil)
        }
    }

    @Test("usable cores are the affinity cut to the whole cores of the quota, and never none")
    func usable() {
        #expect(CoreCount(affinity: 8, quota: nil).usable == 8)
        #expect(CoreCount(affinity: 8, quota: 2.9).usable == 2)
        #expect(CoreCount(affinity: 2, quota: 16).usable == 2)
        #expect(CoreCount(affinity: 8, quota: 0.5).usable == 1)
    }

    @Test("this process has at least one core")
    func current() {
        #expect(CoreCount.current().affinity >= 1)
    }
}

@Suite("Thread and Monitor")
struct ThreadTests {
    @Test("a thread runs its function to the end before join returns")
    func joins() throws {
        final class Box: @unchecked Sendable { var value = 0 }
        let box = Box()
        let thread = try Thread { box.value = 7 }
        thread.join()
        #expect(box.value == 7)
    }

    @Test("a waiting thread wakes when told")
    func wakes() throws {
        final class Gate: @unchecked Sendable {
            let monitor = Monitor()
            var isOpen = false
        }
        let gate = Gate()
        let thread = try Thread {
            gate.monitor.lock()
            while !gate.isOpen { gate.monitor.wait() }
            gate.monitor.unlock()
        }
        gate.monitor.lock()
        gate.isOpen = true
        gate.monitor.wakeAll()
        gate.monitor.unlock()
        thread.join()
    }
}
