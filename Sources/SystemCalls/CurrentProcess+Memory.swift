// SPDX-License-Identifier: MIT

import CLinux
import Glibc

extension CurrentProcess {
    /// The memory that it has, and how much of that it shares with files and other processes.
    ///
    /// - Source: proc_pid_statm(5).
    package static var residentBytes: (resident: Int, shared: Int)? {
        guard let file = try? FileDescriptor.open("/proc/self/statm", O_RDONLY),
            let bytes = try? file.readAll(limit: 256)
        else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map { Int($0) }
        guard words.count > 2, let resident = words[1], let shared = words[2] else { return nil }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return (resident * page, shared * page)
    }

    /// Gives the kernel the pages of freed memory that the C library keeps for what comes next.
    package static func giveBackFreeMemory() { malloc_trim(0) }
}
