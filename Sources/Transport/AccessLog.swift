// SPDX-License-Identifier: MIT

import HTTP
import Synchronization
import SystemCalls

/// Writes a line for each request. A line that can't be written at once is counted and dropped: a full disk or a closed
/// pipe must not stop the server.
package final class AccessLog: Sendable {
    /// What a line tells.
    package struct Entry {
        /// When the request was answered, as HTTP writes dates.
        let date: String
        /// The name of the request.
        let id: String
        /// Whose request it is; nil for one that came by a socket in the file system.
        let client: IPAddress?
        /// Nil for bytes that were no request.
        let head: RequestHead?
        /// The place in a trace, checked.
        let trace: String?
        let status: Int
        /// How a call of gRPC ended; nil for other requests.
        let grpcStatus: Int?
        /// The answer's headers and trailers, and how long its body is.
        let headers: [Response.Header]
        let byteCount: Int
        /// From the request to its answer.
        let nanoseconds: UInt64

        package init(
            date: String, id: String, client: IPAddress?, head: RequestHead?, trace: String?, status: Int,
            grpcStatus: Int? = nil, headers: [Response.Header], byteCount: Int, nanoseconds: UInt64
        ) {
            self.date = date
            self.id = id
            self.client = client
            self.head = head
            self.trace = trace
            self.status = status
            self.grpcStatus = grpcStatus
            self.headers = headers
            self.byteCount = byteCount
            self.nanoseconds = nanoseconds
        }

        var clientText: String { client?.description ?? "-" }
    }

    private let descriptor: FileDescriptor
    /// The file, if it can be opened anew.
    private let path: String?
    private let format: AccessLogFormat
    private let proxies: TrustedProxies
    private let statistics: WorkerStatistics
    /// Whether the last line was cut off, by a disk that is full for example: the next begins a new one.
    private let isCutOff = Atomic(false)

    /// - Parameters:
    ///   - descriptor: Open for appending.
    ///   - path: Its file, if it is one.
    ///   - proxies: Whose word for the client's address is taken.
    package init(
        _ descriptor: FileDescriptor, path: String? = nil, format: AccessLogFormat, proxies: TrustedProxies = .standard,
        statistics: WorkerStatistics
    ) {
        self.descriptor = descriptor
        self.path = path
        self.format = format
        self.proxies = proxies
        self.statistics = statistics
    }

    /// Whose request it is.
    func client(of peer: Peer, _ head: RequestHead?) -> IPAddress? {
        head.map { proxies.client(of: peer, $0.headers) } ?? peer.address
    }

    /// Opens the file anew, after it has been renamed. If that fails, the old one is written on, and a line counts as lost.
    package func reopen() {
        guard let path else { return }
        do {
            try descriptor.replace(with: try FileDescriptor.appending(to: path))
        } catch {
            statistics.add(1, to: .logLinesDropped)
        }
    }

    func write(_ entry: Entry) {
        var line = format.line(entry)
        line.append(UInt8(ascii: "\n"))
        if isCutOff.load(ordering: .relaxed) { line.insert(UInt8(ascii: "\n"), at: 0) }
        let written = line.withUnsafeBytes { (try? descriptor.write($0)) ?? 0 }
        if written > 0 { isCutOff.store(written < line.count, ordering: .relaxed) }
        if written != line.count { statistics.add(1, to: .logLinesDropped) }
    }
}
