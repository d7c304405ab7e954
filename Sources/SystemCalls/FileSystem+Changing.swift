// SPDX-License-Identifier: MIT

import Glibc

extension FileDescriptor {
    /// Makes a file, or empties the one that is there, to be written.
    ///
    /// - Throws: ``SystemError``.
    package static func creating(_ path: String) throws(SystemError) -> FileDescriptor {
        try open(path, O_WRONLY | O_CREAT | O_TRUNC)
    }
}

extension ChildProcess {
    /// The process's share of the memory in bytes, each page divided by the number of processes that map it; nil if it
    /// can't be read.
    ///
    /// - Source: proc(5), `smaps_rollup`.
    package var proportionalBytes: Int? {
        guard let file = try? FileDescriptor.open("/proc/\(id)/smaps_rollup", O_RDONLY),
            let bytes = try? file.readAll(limit: 1 << 16)
        else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let words = lines.first { $0.hasPrefix("Pss:") }?.split(separator: " ")
        return words.flatMap { $0.count > 1 ? Int($0[1]) : nil }.map { $0 * 1024 }
    }
}
