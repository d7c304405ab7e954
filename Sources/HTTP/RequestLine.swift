// SPDX-License-Identifier: MIT

import Text

/// A request's first line: method, target, version.
struct RequestLine {
    let method: ByteText
    let target: RequestTarget
    let version: RequestHead.Version

    /// - Parameter line: The line without its end.
    /// - Throws: ``HTTPError``.
    init(_ line: ArraySlice<UInt8>) throws(HTTPError) {
        let parts = line.split(separator: ASCII.space, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, parts[0].allSatisfy(ASCII.isToken) else {
            throw .malformedRequestLine
        }
        switch parts[2] {
        case _ where parts[2].elementsEqual("HTTP/1.1".utf8): version = .http11
        case _ where parts[2].elementsEqual("HTTP/1.0".utf8): version = .http10
        default: throw .unsupportedVersion
        }
        method = ByteText(decoding: parts[0])
        target = try RequestTarget(parts[1], method: method)
    }
}
