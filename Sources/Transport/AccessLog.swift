// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Synchronization
import SystemCalls

/// Writes a line for each request. A line that can't be written at once is counted and dropped: a full disk or a closed
/// pipe must not stop the server.
package final class AccessLog: Sendable {
    /// How a line looks.
    package enum Format: String, Sendable, CaseIterable {
        case text, json
    }

    /// What a line tells.
    struct Entry {
        let id: String
        let method: String
        let path: String
        let status: Int
        let bytes: Int
        let nanoseconds: UInt64
    }

    private let descriptor: FileDescriptor
    private let format: Format
    private let statistics: WorkerStatistics
    /// Whether the last line was cut off, by a disk that is full for example: the next begins a new one.
    private let isCutOff = Atomic(false)

    /// - Parameter descriptor: Open for appending.
    package init(_ descriptor: FileDescriptor, format: Format, statistics: WorkerStatistics) {
        self.descriptor = descriptor
        self.format = format
        self.statistics = statistics
    }

    func write(_ entry: Entry) {
        let date = httpDate(secondsSince1970: Int(SystemClock.nanosecondsSince1970() / 1_000_000_000))
        let microseconds = Int(entry.nanoseconds / 1000)
        var line: [UInt8]
        switch format {
        case .text:
            line = Array(
                "[\(date)] \"\(entry.method) \(entry.path)\" \(entry.status) \(entry.bytes) \(microseconds)us \(entry.id)"
                    .utf8)
        case .json:
            line =
                ([
                    "time": .string(date), "method": .string(entry.method), "path": .string(entry.path),
                    "status": .integer(entry.status), "bytes": .integer(entry.bytes),
                    "microseconds": .integer(microseconds), "id": .string(entry.id),
                ] as JSONValue).bytes()
        }
        line.append(UInt8(ascii: "\n"))
        if isCutOff.load(ordering: .relaxed) { line.insert(UInt8(ascii: "\n"), at: 0) }
        let written = line.withUnsafeBytes { (try? descriptor.write($0)) ?? 0 }
        if written > 0 { isCutOff.store(written < line.count, ordering: .relaxed) }
        if written != line.count { statistics.add(1, to: .logLinesDropped) }
    }
}
