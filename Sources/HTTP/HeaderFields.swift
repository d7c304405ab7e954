// SPDX-License-Identifier: MIT

import Text

/// A request's header fields: one block of bytes and where in it each name and value lies.
package struct HeaderFields: Equatable, Sendable {
    private struct Field: Equatable, Sendable {
        let name: Range<Int>
        let value: Range<Int>
    }

    private var bytes: [UInt8]
    private var fields: [Field] = []

    /// Parses field lines.
    ///
    /// - Parameters:
    ///   - block: The lines with their line ends, without the empty line that follows.
    ///   - limits: How many fields there may be.
    /// - Throws: ``HTTPError``.
    /// - Source: RFC 9112, section 5; RFC 9110, section 5.5.
    package init(parsing block: ArraySlice<UInt8>, limits: HTTPLimits) throws(HTTPError) {
        bytes = Array(block)
        fields.reserveCapacity(16)
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: ASCII.lineFeed) ?? bytes.count
            guard end > start, end < bytes.count, bytes[end - 1] == ASCII.carriageReturn else { throw .bareLineFeed }
            if fields.count == limits.maxHeaderFields { throw .tooManyHeaders(limit: limits.maxHeaderFields) }
            fields.append(try parseLine(start..<(end - 1)))
            start = end + 1
        }
    }

    /// No fields yet.
    package init() { bytes = [] }

    /// Adds a field that came by itself, as HTTP/2 brings them.
    ///
    /// - Parameters:
    ///   - name: The name; it is made lowercase.
    ///   - value: The value; blanks around it are left out.
    ///   - limits: How many fields there may be.
    /// - Throws: ``HTTPError``.
    package mutating func append(
        name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, limits: HTTPLimits
    ) throws(HTTPError) {
        if fields.count == limits.maxHeaderFields { throw .tooManyHeaders(limit: limits.maxHeaderFields) }
        let start = bytes.count
        bytes.append(contentsOf: name)
        bytes.append(ASCII.colon)
        bytes.append(contentsOf: value)
        let field = try parseLine(start..<bytes.count)
        // A colon inside the name would have ended it too early.
        guard field.name.count == name.count else { throw .malformedHeader(name: printable(start..<bytes.count)) }
        fields.append(field)
    }

    /// Checks one line, and makes its name lowercase in place.
    private mutating func parseLine(_ line: Range<Int>) throws(HTTPError) -> Field {
        var colon = line.lowerBound
        while colon < line.upperBound, ASCII.isToken(bytes[colon]) {
            bytes[colon] = ASCII.lowercased(bytes[colon])
            colon += 1
        }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == ASCII.colon else {
            throw .malformedHeader(name: printable(line))
        }
        var value = (colon + 1)..<line.upperBound
        while let first = value.first, ASCII.isBlank(bytes[first]) { value = value.dropFirst() }
        while let last = value.last, ASCII.isBlank(bytes[last]) { value = value.dropLast() }
        let name = line.lowerBound..<colon
        guard bytes[value].allSatisfy(ASCII.isFieldValue), !aliasesAnotherName(bytes[name]) else {
            throw .malformedHeader(name: printable(name))
        }
        return Field(name: name, value: value)
    }

    /// The start of a line, fit to be shown to the client.
    private func printable(_ range: Range<Int>) -> String {
        let start = bytes[range].prefix(40).prefix { $0 != ASCII.colon }
        return String(decoding: start.map { ASCII.isVisible($0) ? $0 : ASCII.question }, as: UTF8.self)
    }

    /// Whether an underscore stands for the dash of a name that decides how a request is read. Gateways that map both
    /// to one variable would otherwise disagree with this server about what the request says.
    private func aliasesAnotherName(_ name: ArraySlice<UInt8>) -> Bool {
        guard name.contains(ASCII.underscore) else { return false }
        let dashed = name.map { $0 == ASCII.underscore ? ASCII.dash : $0 }
        return [
            "content-length", "transfer-encoding", "content-type", "content-encoding", "accept-encoding",
            "inference-header-content-length", "x-request-id", "x-forwarded-for",
        ].contains { dashed.elementsEqual($0.utf8) }
    }

    /// How many fields there are.
    package var count: Int { fields.count }

    /// How many fields bear a name.
    ///
    /// - Parameter name: In lower case, like every name that this type is asked for.
    package func count(of name: ByteText) -> Int {
        fields.reduce(0) { $0 + (matches($1, name) ? 1 : 0) }
    }

    /// The first value of a name, without the blanks around it; nil without such a field.
    package subscript(name: ByteText) -> ByteText? {
        fields.first { matches($0, name) }.map { ByteText(decoding: bytes[$0.value]) }
    }

    /// The elements of all comma-separated lists that bear a name, without the blanks around them.
    package func list(_ name: ByteText) -> [ByteText] {
        fields.filter { matches($0, name) }.flatMap { field in
            bytes[field.value].split(separator: ASCII.comma, omittingEmptySubsequences: false).map {
                ByteText(decoding: ASCII.trimmed($0))
            }
        }
    }

    /// Whether a list holds an element, in any case.
    package func listContains(_ name: ByteText, _ element: StaticString) -> Bool {
        fields.contains { matches($0, name) } && list(name).contains { $0.equals(ignoringCase: element) }
    }

    private func matches(_ field: Field, _ name: ByteText) -> Bool {
        bytes.withUnsafeBufferPointer { name.hasBytes(UnsafeBufferPointer(rebasing: $0[field.name])) }
    }
}
