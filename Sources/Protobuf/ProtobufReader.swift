// SPDX-License-Identifier: MIT

/// Reads a message's fields one after the other, in place: nothing is copied, nothing is built.
///
/// Total: any bytes give fields or a `ProtobufError`. A field costs what its bytes cost to look at; what a caller keeps of
/// repeated fields is for the caller to bound.
///
/// - Source: protobuf.dev, "Encoding".
public struct ProtobufReader {
    /// Messages within messages, the outermost one included, and groups within groups.
    public static let maxDepth = 64

    // The caller keeps the bytes alive and unchanged as long as the reader and its fields are used.
    private let bytes: UnsafeRawBufferPointer
    private let base: Int
    private let depth: Int
    private var position = 0

    /// Reads the outermost message.
    ///
    /// - Parameter bytes: The message; must stay valid as long as the reader and what it gave are used.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.init(bytes, base: 0, depth: 1)
    }

    init(_ bytes: UnsafeRawBufferPointer, base: Int, depth: Int) {
        self.bytes = bytes
        self.base = base
        self.depth = depth
    }

    /// Where the next field begins, counted from the outermost message's start.
    public var offset: Int { base + position }

    /// The next field; nil at the message's end. Groups, which nothing writes any more, are skipped.
    ///
    /// - Throws: `ProtobufError`.
    public mutating func next() throws(ProtobufError) -> ProtobufField? {
        var groups: [Int] = []
        while true {
            guard position < bytes.count else {
                if groups.isEmpty { return nil }
                throw .truncated(offset: offset)
            }
            let start = position
            let tag = try varint()
            let number = Int(tag >> 3)
            guard number > 0, number < 1 << 29 else { throw .invalidTag(offset: base + start) }
            let value: ProtobufField.Value
            switch tag & 7 {
            case 0: value = .varint(try varint())
            case 1: value = .fixed64(try fixed(as: UInt64.self))
            case 2: value = .bytes(try stretch())
            case 3:
                guard groups.count < Self.maxDepth else { throw .tooDeep(limit: Self.maxDepth, offset: base + start) }
                groups.append(number)
                continue
            case 4:
                guard groups.popLast() == number else { throw .invalidTag(offset: base + start) }
                continue
            case 5: value = .fixed32(try fixed(as: UInt32.self))
            default: throw .invalidTag(offset: base + start)
            }
            if groups.isEmpty {
                return ProtobufField(
                    number: number, value: value, offset: base + start, end: base + position, depth: depth)
            }
        }
    }

    /// The next number of a packed field; nil at its end.
    mutating func nextVarint() throws(ProtobufError) -> UInt64? { position < bytes.count ? try varint() : nil }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        let start = position
        var result: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < bytes.count else { throw .truncated(offset: base + start) }
            let byte = UInt64(bytes[position])
            position += 1
            // The tenth byte has one bit left.
            guard shift < 63 || byte <= 1 else { throw .invalidVarint(offset: base + start) }
            result |= (byte & 0x7F) << shift
            if byte < 0x80 { return result }
        }
        throw .invalidVarint(offset: base + start)
    }

    private mutating func fixed<Number: FixedWidthInteger>(as type: Number.Type) throws(ProtobufError) -> Number {
        let size = MemoryLayout<Number>.size
        guard bytes.count - position >= size else { throw .truncated(offset: offset) }
        defer { position += size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: type))
    }

    private mutating func stretch() throws(ProtobufError) -> UnsafeRawBufferPointer {
        let start = position
        guard let count = Int(exactly: try varint()), count <= bytes.count - position else {
            throw .truncated(offset: base + start)
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }
}
