// SPDX-License-Identifier: MIT

import Text

/// Joins the chunks of a body as they arrive.
///
/// - Source: RFC 9112, section 7.1.
struct ChunkedBody: Sendable {
    private enum State {
        case size, data(left: Int), dataEnd, trailers
    }

    private(set) var bytes: [UInt8] = []
    private var state = State.size
    private var chunks = 0
    private var trailers: [UInt8] = []
    private let limits: HTTPLimits

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// Takes what it can.
    ///
    /// - Parameters:
    ///   - input: Bytes of the connection.
    ///   - position: Where to begin; moved behind what was taken.
    /// - Returns: Whether the body is complete. If not, call again with more bytes behind the old.
    /// - Throws: ``HTTPError``.
    mutating func take(_ input: [UInt8], from position: inout Int) throws(HTTPError) -> Bool {
        while true {
            switch state {
            case .size:
                let limit = limits.maxChunkLineBytes
                guard let line = try nextLine(input, &position, limit, .malformedChunk) else { return false }
                let size = try parseSize(line)
                state = size == 0 ? .trailers : .data(left: size)
            case .data(let left):
                let count = min(left, input.count - position)
                if count == 0 { return false }
                bytes.append(contentsOf: input[position..<(position + count)])
                position += count
                state = count == left ? .dataEnd : .data(left: left - count)
            case .dataEnd:
                guard input.count - position >= 2 else { return false }
                guard input[position] == ASCII.carriageReturn, input[position + 1] == ASCII.lineFeed else {
                    throw .malformedChunk
                }
                position += 2
                state = .size
            case .trailers:
                let limit = limits.maxTrailerBytes
                guard let line = try nextLine(input, &position, limit, .headersTooLarge(limit: limit)) else {
                    return false
                }
                if line.isEmpty {
                    try checkTrailers()
                    return true
                }
                if trailers.count + line.count + 2 > limit { throw .headersTooLarge(limit: limit) }
                trailers += line + [ASCII.carriageReturn, ASCII.lineFeed]
            }
        }
    }

    /// The next line without its end; nil if its end has not come yet.
    private func nextLine(
        _ input: [UInt8], _ position: inout Int, _ limit: Int, _ tooLong: HTTPError
    ) throws(HTTPError) -> ArraySlice<UInt8>? {
        let window = input[position...].prefix(limit + 2)
        guard let end = window.firstIndex(of: ASCII.lineFeed) else {
            if window.count == limit + 2 { throw tooLong }
            return nil
        }
        guard end > position, input[end - 1] == ASCII.carriageReturn else { throw .bareLineFeed }
        defer { position = end + 1 }
        return input[position..<(end - 1)]
    }

    /// Reads "1a;extension" and checks it against the limits of the body.
    private mutating func parseSize(_ line: ArraySlice<UInt8>) throws(HTTPError) -> Int {
        let digits = line.prefix { ASCII.hexValue($0) != nil }
        let rest = line[digits.endIndex...]
        guard (1...16).contains(digits.count), rest.isEmpty || rest.first == ASCII.semicolon,
            rest.allSatisfy(ASCII.isFieldValue)
        else { throw .malformedChunk }
        var size: UInt64 = 0
        for digit in digits { size = size << 4 | UInt64(ASCII.hexValue(digit) ?? 0) }
        if size > UInt64(limits.maxBodyBytes - bytes.count) { throw .bodyTooLarge(limit: limits.maxBodyBytes) }
        chunks += 1
        if chunks > limits.maxChunks { throw .tooManyChunks(limit: limits.maxChunks) }
        return Int(size)
    }

    /// Trailers are held to the rules of headers, then dropped; those that would change the framing are refused.
    private func checkTrailers() throws(HTTPError) {
        let fields = try HeaderFields(parsing: trailers[...], limits: limits)
        for name in ["content-length", "transfer-encoding", "host"] as [ByteText] where fields.count(of: name) > 0 {
            throw .invalidHeader(name: name.description)
        }
    }
}
