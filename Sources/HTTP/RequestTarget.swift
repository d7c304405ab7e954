// SPDX-License-Identifier: MIT

import Text

/// What a request asks for, split and decoded once.
///
/// - Source: RFC 9112, section 3.2; RFC 3986, sections 2.1 and 3.3.
package struct RequestTarget: Equatable, Sendable {
    /// The path as sent, `/` at its front; `*` for a whole-server OPTIONS; empty for CONNECT.
    package let path: ByteText
    /// What stands between the path's slashes, percent-decoded. No segment is `.` or `..` or holds a slash or a control
    /// character. A slash at the path's end adds no segment.
    package let segments: [ByteText]
    /// What follows the question mark, as sent; nil without one.
    package let query: ByteText?
    /// The host and port of an absolute target or of CONNECT; nil for the usual form.
    package let authority: ByteText?

    /// - Parameters:
    ///   - bytes: The target, not empty.
    ///   - method: The request's method: `*` is for OPTIONS only, a bare authority for CONNECT only.
    /// - Throws: ``HTTPError/invalidTarget``.
    package init(_ bytes: ArraySlice<UInt8>, method: ByteText) throws(HTTPError) {
        guard bytes.allSatisfy({ ASCII.isVisible($0) && $0 != ASCII.hash && $0 != ASCII.backslash }) else {
            throw .invalidTarget
        }
        if method == "CONNECT" {
            guard !bytes.contains(ASCII.slash) else { throw .invalidTarget }
            (path, segments, query, authority) = ("", [], nil, ByteText(decoding: bytes))
            return
        }
        if bytes.elementsEqual("*".utf8) {
            guard method == "OPTIONS" else { throw .invalidTarget }
            (path, segments, query, authority) = ("*", [], nil, nil)
            return
        }
        let (authority, origin) = try Self.split(bytes)
        let mark = origin.firstIndex(of: ASCII.question)
        let path = origin[..<(mark ?? origin.endIndex)]
        self.authority = authority
        self.path = path.isEmpty ? "/" : ByteText(decoding: path)
        query = mark.map { ByteText(decoding: origin[($0 + 1)...]) }
        segments = try Self.segments(of: path)
    }

    /// Takes "http://host" off an absolute target.
    private static func split(_ bytes: ArraySlice<UInt8>) throws(HTTPError) -> (ByteText?, ArraySlice<UInt8>) {
        if bytes.first == ASCII.slash { return (nil, bytes) }
        for scheme in ["http://", "https://"] as [StaticString]
        where ASCII.equal(bytes.prefix(scheme.utf8CodeUnitCount), ignoringCase: scheme) {
            let rest = bytes.dropFirst(scheme.utf8CodeUnitCount)
            let end = rest.firstIndex { $0 == ASCII.slash || $0 == ASCII.question } ?? rest.endIndex
            if end == rest.startIndex { throw .invalidTarget }
            return (ByteText(decoding: rest[..<end]), rest[end...])
        }
        throw .invalidTarget
    }

    private static func segments(of path: ArraySlice<UInt8>) throws(HTTPError) -> [ByteText] {
        var segments: [ByteText] = []
        var parts = path.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        for part in parts {
            guard let segment = percentDecoded(part), segment != ".", segment != "..",
                segment.utf8.allSatisfy({ !ASCII.isControl($0) && $0 != ASCII.slash && $0 != ASCII.backslash })
            else { throw .invalidTarget }
            segments.append(segment)
        }
        return segments
    }
}

/// Decodes `%41` to `A`, once.
///
/// - Returns: nil where a percent sign lacks its two hexadecimal digits, or the bytes are not UTF-8.
package func percentDecoded(_ bytes: ArraySlice<UInt8>) -> ByteText? {
    guard bytes.contains(ASCII.percent) else { return ByteText(validating: bytes) }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var rest = bytes
    while let byte = rest.popFirst() {
        guard byte == ASCII.percent else {
            decoded.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(ASCII.hexValue), let low = rest.popFirst().flatMap(ASCII.hexValue)
        else { return nil }
        decoded.append(high << 4 | low)
    }
    return ByteText(validating: decoded[...])
}
