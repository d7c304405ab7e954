// SPDX-License-Identifier: MIT

import CLinux
import Glibc

extension SystemError {
    /// The error numbers of a peer that is gone, and of one that does not answer.
    package static let connectionReset = ECONNRESET
    package static let timedOut = ETIMEDOUT

    /// Whether the peer had closed the connection.
    package var isAboutClosedConnection: Bool { errno == ECONNRESET || errno == EPIPE }
}

/// Sockets: making, listening, accepting.
extension FileDescriptor {
    /// A socket that listens and whose ``accept()`` does not block.
    ///
    /// A socket file that no one listens on any more is replaced; one in use is not.
    ///
    /// - Parameters:
    ///   - address: Where.
    ///   - mode: The permissions of a socket in the file system; what the umask leaves if nil.
    ///   - backlog: How many connections may wait to be accepted.
    /// - Throws: ``SystemError``, `EADDRINUSE` where another server listens.
    package static func listening(
        on address: SocketAddress, mode: UInt32? = nil, backlog: Int32 = 1024
    ) throws(SystemError) -> FileDescriptor {
        let socket = try address.withKernelAddress(isPassive: true) { family, pointer, size throws(SystemError) in
            let socket = try makeSocket(family)
            if case .unix(let path) = address {
                try removeDeadSocket(path, address)
            } else {
                try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
                if family == AF_INET6 { try socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
            }
            try retryingInterrupts("bind", subject: address.description) { bind(socket.rawValue, pointer, size) }
            return socket
        }
        if case .unix(let path) = address, let mode {
            try retryingInterrupts("chmod", subject: path) { chmod(path, mode) }
        }
        try retryingInterrupts("listen", subject: address.description) { listen(socket.rawValue, backlog) }
        return socket
    }

    /// A socket that is connected and blocks.
    ///
    /// - Parameter timeoutMilliseconds: How long connecting may take, and each read and write after it; for ever if nil.
    /// - Throws: ``SystemError``; `EINPROGRESS` where connecting took too long.
    package static func connected(
        to address: SocketAddress, timeoutMilliseconds: Int? = nil
    ) throws(SystemError) -> FileDescriptor {
        try address.withKernelAddress(isPassive: false) { family, pointer, size throws(SystemError) in
            let socket = try makeSocket(family)
            try socket.setBlocking(true)
            if let timeoutMilliseconds { try socket.setTimeout(milliseconds: timeoutMilliseconds) }
            try retryingInterrupts("connect", subject: address.description) { connect(socket.rawValue, pointer, size) }
            return socket
        }
    }

    private static func makeSocket(_ family: Int32) throws(SystemError) -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return FileDescriptor(owning: try retryingInterrupts("socket") { Glibc.socket(family, type, 0) })
    }

    private static func removeDeadSocket(_ path: String, _ address: SocketAddress) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SystemError(call: "bind", errno: EEXIST, subject: address.description)
        }
        do {
            _ = try connected(to: address)
        } catch  where error.errno == ECONNREFUSED {
            unlink(path)
            return
        } catch  where error.errno == ENOENT {
            return
        }
        throw SystemError(call: "bind", errno: EADDRINUSE, subject: address.description)
    }

    /// Two connected sockets that keep the borders of messages. Neither blocks.
    ///
    /// - Throws: ``SystemError``.
    package static func messageChannel() throws(SystemError) -> (FileDescriptor, FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        try retryingInterrupts("socketpair") { socketpair(AF_UNIX, type, 0, &ends) }
        return (FileDescriptor(owning: ends[0]), FileDescriptor(owning: ends[1]))
    }

    /// The next connection that waits, set not to block; nil if none does.
    ///
    /// - Throws: ``SystemError``; `EMFILE` and `ENFILE` where no descriptor is left.
    package func accept() throws(SystemError) -> FileDescriptor? {
        do {
            let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            let raw = try retryingInterrupts("accept") { accept4(rawValue, .init(__sockaddr__: nil), nil, flags) }
            return FileDescriptor(owning: raw)
        } catch  where [EAGAIN, ECONNABORTED, EPROTO].contains(error.errno) {
            return nil
        }
    }

    /// Receives what is there.
    ///
    /// - Parameter isPeeking: Whether it is only looked at, and stays where it is.
    /// - Returns: The number of bytes; 0 when the peer sends no more; nil if nothing has come yet.
    /// - Throws: ``SystemError``, `ECONNRESET` for example.
    package func receive(
        into buffer: UnsafeMutableRawBufferPointer, isPeeking: Bool = false
    ) throws(SystemError) -> Int? {
        let flags = isPeeking ? Int32(MSG_PEEK) : 0
        do {
            return try retryingInterrupts("recv") { recv(rawValue, buffer.baseAddress, buffer.count, flags) }
        } catch  where error.errno == EAGAIN {
            return nil
        }
    }

    /// Sends what the kernel takes. A peer that is gone is an error, never a signal.
    ///
    /// - Returns: The number of bytes; nil if there is no room yet.
    /// - Throws: ``SystemError``, `EPIPE` for example.
    package func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        do {
            return try retryingInterrupts("send") {
                Glibc.send(rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
        } catch  where error.errno == EAGAIN {
            return nil
        }
    }

    /// Ends the sending half of a connection.
    package func shutdownSending() {
        shutdown(rawValue, Int32(SHUT_WR))
    }

    /// Sends small writes at once. Without effect on sockets that are not TCP.
    package func disableDelay() {
        try? setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Drops a connection when sent data stays unacknowledged so long.
    package func setUnacknowledgedLimit(milliseconds: Int32) {
        try? setOption(Int32(IPPROTO_TCP), 18 /* TCP_USER_TIMEOUT */, milliseconds)
    }

    /// Has the kernel take no more of what is to be sent while so much waits there. Without effect on sockets that are not
    /// TCP, whose buffers are small.
    package func setUnsentLimit(byteCount: Int32) {
        try? setOption(Int32(IPPROTO_TCP), 25 /* TCP_NOTSENT_LOWAT */, byteCount)
    }

    /// Lets reads and writes of a socket that blocks give up with `EAGAIN` after a while.
    ///
    /// - Throws: ``SystemError``.
    package func setTimeout(milliseconds: Int) throws(SystemError) {
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            try retryingInterrupts("setsockopt") {
                setsockopt(rawValue, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
            }
        }
    }

    private func setOption(_ level: Int32, _ option: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        try retryingInterrupts("setsockopt") {
            setsockopt(rawValue, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Whether connections can be accepted from it: a socket of streams that listens.
    package var isListening: Bool {
        option(SO_ACCEPTCONN) == 1 && option(SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    }

    private func option(_ option: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(rawValue, SOL_SOCKET, option, &value, &size) == 0 ? value : nil
    }

    /// The TCP port that the socket is bound to; nil for other sockets.
    package var localPort: UInt16? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> UInt16? in
                guard getsockname(rawValue, generic, &size) == 0 else { return nil }
                let family = Int32(generic.pointee.sa_family)
                // Both families keep the port behind the family, in the network's order.
                guard family == AF_INET || family == AF_INET6 else { return nil }
                return UInt16(bigEndian: UnsafeRawPointer(generic).load(fromByteOffset: 2, as: UInt16.self))
            }
        }
    }

    /// Sends a datagram to a socket in the file system, or to an abstract one whose name begins with `@`.
    ///
    /// - Throws: ``SystemError``.
    package static func sendDatagram(_ text: String, toUnix path: String) throws(SystemError) {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = FileDescriptor(owning: try retryingInterrupts("socket") { Glibc.socket(AF_UNIX, type, 0) })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8.prefix(107))
        if name.first == UInt8(ascii: "@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        try withUnsafePointer(to: &address) { pointer throws(SystemError) in
            _ = try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic throws(SystemError) in
                try retryingInterrupts("sendto", subject: path) {
                    sendto(socket.rawValue, text, text.utf8.count, Int32(MSG_NOSIGNAL), generic, size)
                }
            }
        }
    }
}
