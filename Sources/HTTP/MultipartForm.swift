// SPDX-License-Identifier: MIT

import Text

/// The parts of a `multipart/form-data` body.
///
/// - Source: RFC 7578; RFC 2046, section 5.1.
package struct MultipartForm: Sendable {
    /// One field of the form.
    package struct Part: Equatable, Sendable {
        /// The field's name.
        package let name: ByteText
        /// The name of the file that the client chose; nil for a field that is no file. Never used as a path.
        package let fileName: ByteText?
        /// The part's media type; nil if it states none.
        package let contentType: MediaType?
        /// Where in the body the part's content lies.
        package let content: Range<Int>
    }

    /// The most parts of a form.
    package static let maxParts = 64
    /// The largest header block of a part.
    package static let maxPartHeaderBytes = 4 << 10

    /// The parts, in their order.
    package let parts: [Part]

    /// Splits a body.
    ///
    /// - Parameters:
    ///   - body: The whole body.
    ///   - contentType: The request's media type, with the boundary.
    /// - Throws: ``HTTPError/malformedForm(_:)`` or a header's error.
    package init(_ body: [UInt8], contentType: MediaType) throws(HTTPError) {
        guard let boundary = contentType.parameters["boundary"], (1...70).contains(boundary.utf8.count) else {
            throw .malformedForm("its boundary must have 1 to 70 characters")
        }
        let delimiter = Array("\r\n--".utf8) + boundary.utf8
        // The first delimiter may lack the line end before it.
        guard var position = Self.firstDelimiterEnd(body, delimiter) else {
            throw .malformedForm("its first boundary is missing")
        }
        var parts: [Part] = []
        while let start = try Self.partStart(body, position) {
            if parts.count == Self.maxParts { throw .malformedForm("it has more than \(Self.maxParts) parts") }
            guard let end = Self.find(delimiter, in: body[...], from: start - 2) else {
                throw .malformedForm("its last boundary is missing")
            }
            parts.append(try Self.part(body, start, end))
            position = end + delimiter.count
        }
        self.parts = parts
    }

    private static func firstDelimiterEnd(_ body: [UInt8], _ delimiter: [UInt8]) -> Int? {
        if body.starts(with: delimiter.dropFirst(2)) { return delimiter.count - 2 }
        return find(delimiter, in: body[...], from: 0).map { $0 + delimiter.count }
    }

    /// Steps over what follows a boundary.
    ///
    /// - Returns: The start of a part; nil behind the closing boundary.
    private static func partStart(_ body: [UInt8], _ position: Int) throws(HTTPError) -> Int? {
        var rest = body[position...]
        if rest.starts(with: "--".utf8) { return nil }
        while let first = rest.first, ASCII.isBlank(first) { rest.removeFirst() }
        guard rest.starts(with: "\r\n".utf8) else { throw .malformedForm("a boundary's line does not end") }
        return rest.startIndex + 2
    }

    private static func part(_ body: [UInt8], _ start: Int, _ end: Int) throws(HTTPError) -> Part {
        // A part without headers begins with the empty line itself.
        let blank = Array("\r\n\r\n".utf8)
        guard let headersEnd = find(blank, in: body[..<(end + 2)], from: start - 2),
            headersEnd + 2 - start <= maxPartHeaderBytes
        else { throw .malformedForm("a part's headers do not end, or are larger than \(maxPartHeaderBytes) bytes") }
        let content = headersEnd + 4
        let headers = try HeaderFields(
            parsing: headersEnd + 2 > start ? body[start..<(headersEnd + 2)] : [], limits: HTTPLimits())
        guard let disposition = headers["content-disposition"].map({ Array($0.utf8)[...] }),
            ASCII.equal(disposition.prefix(9), ignoringCase: "form-data"),
            let parameters = MediaType.parameters(disposition.dropFirst(9)), let name = parameters["name"]
        else { throw .malformedForm("a part lacks the name of its field") }
        return Part(
            name: name, fileName: parameters["filename"], contentType: headers["content-type"].flatMap(MediaType.init),
            content: min(content, end)..<end)
    }

    /// Where a pattern of two bytes or more begins, from a position on.
    private static func find(_ pattern: [UInt8], in body: ArraySlice<UInt8>, from position: Int) -> Int? {
        var start = position
        let last = body.endIndex - pattern.count
        while start <= last {
            guard let candidate = body[start...last].firstIndex(of: pattern[0]) else { return nil }
            if body[candidate..<(candidate + pattern.count)].elementsEqual(pattern) { return candidate }
            start = candidate + 1
        }
        return nil
    }
}
