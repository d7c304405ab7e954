// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// Where a socket listens or connects to: `host:port`, `[ipv6]:port` or `unix:PATH`.
package enum SocketAddress: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// A TCP port of a host name or number. Port 0 lets the system choose one.
    case tcp(host: String, port: UInt16)
    /// A socket in the file system.
    case unix(path: String)

    /// Reads the text of an address.
    ///
    /// - Parameters:
    ///   - text: The address; a lone `:port` means the IPv4 loopback.
    ///   - defaultPort: For a host without a port; without a default such an address is refused.
    /// - Returns: nil if it is no address.
    package init?(_ text: String, defaultPort: UInt16? = nil) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // The kernel's address holds 108 bytes, one of them the closing zero.
            guard (1...107).contains(path.utf8.count), !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
            return
        }
        var host = text[...]
        var port = defaultPort
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]"),
            text.hasPrefix("[") || text.firstIndex(of: ":") == colon
        {
            let digits = text[text.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = UInt16(digits) else {
                return nil
            }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let port, !host.contains("/"), !host.contains(" ") else { return nil }
        self = .tcp(host: host.isEmpty ? "127.0.0.1" : String(host), port: port)
    }

    /// Whether only this machine can reach it.
    package var isLocal: Bool {
        switch self {
        case .unix: true
        case .tcp(let host, _): host == "localhost" || host == "::1" || Self.isIPv4Loopback(host)
        }
    }

    /// Whether it is `127.a.b.c` in numbers; a name that only begins so could lead anywhere.
    private static func isIPv4Loopback(_ host: String) -> Bool {
        var address = in_addr()
        return host.hasPrefix("127.") && inet_pton(AF_INET, host, &address) == 1
    }

    /// The form that ``init(_:defaultPort:)`` reads.
    package var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// Calls `body` with the kernel's form of the address, the first that it resolves to.
    ///
    /// - Parameter isPassive: Whether it is for a socket that listens.
    /// - Throws: ``SystemError``, with `ENOENT` where the host is unknown.
    func withKernelAddress<Result>(
        isPassive: Bool, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { field in field.copyBytes(from: path.utf8) }
            return try withUnsafeBytes(of: &address) { bytes throws(SystemError) in
                try body(
                    AF_UNIX, bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(bytes.count))
            }
        case .tcp(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_flags = isPassive ? AI_PASSIVE : 0
            var list: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, String(port), &hints, &list) == 0, let first = list else {
                throw SystemError(call: "getaddrinfo", errno: ENOENT, subject: description)
            }
            defer { freeaddrinfo(list) }
            guard let address = first.pointee.ai_addr else {
                throw SystemError(call: "getaddrinfo", errno: ENOENT, subject: description)
            }
            return try body(first.pointee.ai_family, address, first.pointee.ai_addrlen)
        }
    }
}
