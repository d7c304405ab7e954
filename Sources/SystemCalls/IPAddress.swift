// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// An address of the Internet Protocol. One of version 4 equals the one of version 6 that stands for it, `::ffff:a.b.c.d`.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// Its 16 bytes as two numbers, the network's first byte the highest.
    private let high: UInt64
    private let low: UInt64

    /// Reads `192.0.2.1` or `2001:db8::1`, without brackets, port or zone.
    ///
    /// - Returns: nil if the text is no address.
    package init?(_ text: String) {
        if text.utf8.contains(0) { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(four)
            return
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        self.init(six)
    }

    private init(_ address: in_addr) {
        high = 0
        low = 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address.s_addr))
    }

    private init(_ address: in6_addr) {
        (high, low) = withUnsafeBytes(of: address) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// The address in a kernel's structure; nil if it is of another family.
    fileprivate init?(_ storage: sockaddr_storage) {
        let address = withUnsafeBytes(of: storage) { bytes -> IPAddress? in
            switch Int32(storage.ss_family) {
            case AF_INET: IPAddress(bytes.loadUnaligned(as: sockaddr_in.self).sin_addr)
            case AF_INET6: IPAddress(bytes.loadUnaligned(as: sockaddr_in6.self).sin6_addr)
            default: nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    private var isVersion4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Whether only this machine has it: `127.0.0.0/8` or `::1`.
    package var isLoopback: Bool { isVersion4 ? low >> 24 & 0xFF == 127 : high == 0 && low == 1 }

    /// Whom one client can be told by: of version 6, where it has more addresses than can be counted, the first 64 bits.
    package var network64: IPAddress { isVersion4 ? self : IPAddress(high: high, low: 0) }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The text that ``init(_:)`` reads.
    package var description: String {
        if isVersion4 { return (0..<4).map { String(low >> (24 - 8 * UInt64($0)) & 0xFF) }.joined(separator: ".") }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether the first `bits` of 128 are the same.
    fileprivate func sharesPrefix(_ other: IPAddress, bits: Int) -> Bool {
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : .max << UInt64(64 - bits) }
        return (high ^ other.high) & mask(bits) == 0 && (low ^ other.low) & mask(bits - 64) == 0
    }
}

/// All addresses that begin alike: `10.0.0.0/8`, or a single one.
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    private let address: IPAddress
    /// How many bits of an address of version 6 count, or of one of version 4 behind 96 others.
    private let bits: Int

    /// Reads an address, or one with a slash and a number of bits.
    ///
    /// - Returns: nil if the text is neither.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
        let isVersion4 = !parts[0].utf8.contains(UInt8(ascii: ":"))
        self.address = address
        guard parts.count == 2 else {
            bits = 128
            return
        }
        let digits = parts[1].utf8
        guard (1...3).contains(digits.count), digits.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(parts[1]),
            number <= (isVersion4 ? 32 : 128)
        else { return nil }
        bits = isVersion4 ? number + 96 : number
    }

    /// Whether an address is one of them.
    package func contains(_ other: IPAddress) -> Bool { address.sharesPrefix(other, bits: bits) }

    /// The text that ``init(_:)`` reads.
    package var description: String {
        let text = address.description
        if bits == 128 { return text }
        return "\(text)/\(text.utf8.contains(UInt8(ascii: ":")) ? bits : bits - 96)"
    }
}

extension FileDescriptor {
    /// The address at the other end of a connection; nil if it is none of the Internet Protocol.
    package var peerAddress: IPAddress? {
        address { descriptor, pointer, size in getpeername(descriptor, pointer, size) }
    }

    /// The address that a socket is bound to; nil if it is none of the Internet Protocol.
    package var localAddress: IPAddress? {
        address { descriptor, pointer, size in getsockname(descriptor, pointer, size) }
    }

    private func address(
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> IPAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(rawValue, $0, &size) }
        }
        return result == 0 ? IPAddress(storage) : nil
    }
}
