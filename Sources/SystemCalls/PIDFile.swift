// SPDX-License-Identifier: MIT

import Glibc

/// A file with the number of this process. It replaces one that a dead process has left, and nothing else.
package enum PIDFile {
    /// Writes the file.
    ///
    /// - Returns: What is to be removed in the end; nil where the number went to a pipe or device.
    /// - Throws: ``OutputError`` where the file names a process that runs, or is no pid file; ``SystemError``.
    package static func write(to path: String) throws -> OwnedPath? {
        let entry = try FileSystem.entry(at: path)
        if FileSystem.link(at: path) != nil, entry == .file || entry == .missing { throw OutputError.noPIDFile(path) }
        if entry == .file { try checkIsDead(path) }
        let existing: OutputFile.Existing = entry == .file ? .replace : .refuse
        let file = try OutputFile(path, existing: existing)
        try file.write(Array("\(getpid())\n".utf8))
        _ = try file.finish()
        return file.isRegular ? OwnedPath(path) : nil
    }

    private static func checkIsDead(_ path: String) throws {
        let descriptor = try FileDescriptor.open(path, O_RDONLY)
        let bytes = try descriptor.readAll(limit: 64)
        let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        if text.isEmpty, bytes.count <= 64 { return }
        guard text.count == 1, bytes.count <= 64, let process = Int32(text[0]), process > 0 else {
            throw OutputError.noPIDFile(path)
        }
        if process == getpid() || !isRunning(process) { return }
        // Numbers are used again: who started after the file was written is not who it names.
        var status = stat()
        if fstat(descriptor.rawValue, &status) == 0, let start = startTime(of: process),
            start > status.st_mtim.tv_sec + 2
        {
            return
        }
        throw OutputError.running(path, process: process)
    }

    private static func isRunning(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno == EPERM }

    /// When a process started, in seconds since 1970.
    ///
    /// - Source: proc(5): `starttime` is the 22nd field of `stat`, in ticks since the machine started; `btime` that moment.
    private static func startTime(of process: Int32) -> Int? {
        func text(_ path: String) -> String? {
            guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = try? file.readAll(limit: 1 << 20)
            else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        // The name, in parentheses, may hold spaces: fields are counted behind it.
        guard let stat = text("/proc/\(process)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        let boot = text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }?.dropFirst(6)
        guard fields.count > 19, let ticks = Int(fields[19]), let boot, let start = Int(boot) else { return nil }
        let perSecond = sysconf(Int32(_SC_CLK_TCK))
        return perSecond > 0 ? start + ticks / perSecond : nil
    }
}
