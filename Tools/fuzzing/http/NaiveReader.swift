// SPDX-License-Identifier: MIT

/// The bodies of a stream of requests, found in the simplest way there is, with no limit and hardly a check: what the
/// parser takes for a body must be one here too.
func naiveBodies(_ stream: [UInt8]) -> [[UInt8]] {
    var bodies: [[UInt8]] = []
    var rest = stream[...]
    while true {
        if rest.starts(with: "\r\n".utf8) { rest = rest.dropFirst(2) }
        guard let head = takeHead(&rest) else { return bodies }
        let fields = head.split(separator: "\r\n").dropFirst().map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " || $0 == "\t" } : ""
            return (parts[0].lowercased(), String(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed()))
        }
        if fields.contains(where: { $0.name == "transfer-encoding" }) {
            guard let body = takeChunks(&rest) else { return bodies }
            bodies.append(body)
        } else {
            let length = fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
            guard (0...rest.count).contains(length) else { return bodies }
            bodies.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
    }
}

/// Takes what stands before the first empty line, and the line; each byte as the character of its number.
private func takeHead(_ rest: inout ArraySlice<UInt8>) -> String? {
    var window = rest
    while let end = window.firstIndex(of: 0x0D) {
        if rest[end...].starts(with: "\r\n\r\n".utf8) {
            defer { rest = rest[(end + 4)...] }
            // Swift takes the two bytes of a line's end for one character, which is what the caller splits at.
            return String(String.UnicodeScalarView(rest[..<end].map { Unicode.Scalar($0) }))
        }
        window = rest[(end + 1)...]
    }
    return nil
}

private func takeLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let end = rest.firstIndex(of: 0x0A) else { return nil }
    defer { rest = rest[(end + 1)...] }
    return rest[..<end].dropLast()
}

private func takeChunks(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    var body: [UInt8] = []
    while let line = takeLine(&rest) {
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), (0...rest.count).contains(size) else {
            return nil
        }
        if size == 0 {
            while let trailer = takeLine(&rest) { if trailer.isEmpty { return body } }
            return nil
        }
        body += rest.prefix(size)
        rest = rest.dropFirst(size + 2)
    }
    return nil
}
