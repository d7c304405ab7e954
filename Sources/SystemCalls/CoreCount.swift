// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// How many processors this process may use.
package struct CoreCount: Sendable, Equatable {
    /// Processors that its threads may be scheduled on.
    package let affinity: Int
    /// Processors' worth of time that its control group grants, if it sets a quota.
    package let quota: Double?

    /// Records what was found.
    package init(affinity: Int, quota: Double?) {
        self.affinity = affinity
        self.quota = quota
    }

    /// Threads that can run at the same time: the affinity, cut to the quota rounded down, at least 1.
    package var usable: Int {
        guard let quota else { return max(1, affinity) }
        return max(1, min(affinity, Int(quota)))
    }

    /// For example "2 by affinity, quota 1.5".
    package var explanation: String {
        let granted = quota.map { ", quota \(Double(Int($0 * 100)) / 100)" } ?? ", no quota"
        return "\(affinity) by affinity\(granted)"
    }

    /// Reads what holds for this process now, from the scheduler and from `/sys/fs/cgroup` (versions 1 and 2).
    package static func current() -> CoreCount {
        var set = cpu_set_t()
        let answered = sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) == 0
        let bits = withUnsafeBytes(of: &set) { bytes in bytes.reduce(0) { $0 + $1.nonzeroBitCount } }
        let affinity = answered && bits > 0 ? bits : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        return CoreCount(affinity: affinity, quota: quota(below: "/sys/fs/cgroup"))
    }

    /// The smallest quota on the way from this process's group to the root, as seen below `root`.
    static func quota(below root: String) -> Double? {
        let groups = (readSmallFile("/proc/self/cgroup") ?? "").split(separator: "\n").map { line in
            line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        let unified = groups.first { $0.count == 3 && $0[1].isEmpty }.map { String($0[2]) } ?? "/"
        var quotas: [Double] = []
        var path = unified.split(separator: "/").map(String.init)
        while true {
            let folder = ([root] + path).joined(separator: "/")
            if let text = readSmallFile(folder + "/cpu.max"), let quota = parseQuota(text) { quotas.append(quota) }
            if path.popLast() == nil { break }
        }
        if let time = readSmallFile(root + "/cpu/cpu.cfs_quota_us"),
            let period = readSmallFile(root + "/cpu/cpu.cfs_period_us"),
            let quota = parseQuota(time.filter { $0 != "\n" } + " " + period)
        {
            quotas.append(quota)
        }
        return quotas.min()
    }

    /// Reads "50000 100000" (or "max 100000", or a negative time, which set none).
    package static func parseQuota(_ text: String) -> Double? {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let time = Double(words[0]), let period = Double(words[1]), time > 0, period > 0 else {
            return nil
        }
        return time / period
    }

    private static func readSmallFile(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open(path, O_RDONLY) else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = (try? file.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
