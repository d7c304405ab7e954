// SPDX-License-Identifier: MIT

/// One field of a message, as it stands on the wire; the accessors read it as what the message's description says.
public struct ProtobufField {
    /// What stands on the wire.
    public enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        /// Text, bytes, a message, or packed numbers.
        case bytes(UnsafeRawBufferPointer)
    }

    /// The field's number.
    public let number: Int
    /// What stands on the wire.
    public let value: Value
    /// Where the field begins, counted from the outermost message's start.
    public let offset: Int
    let end: Int
    let depth: Int

    // MARK: One number

    /// uint64, uint32, int64, int32, bool, enum: the bits.
    ///
    /// - Throws: `ProtobufError.wrongType`.
    public func uint64() throws(ProtobufError) -> UInt64 {
        guard case .varint(let bits) = value else { throw wrongType("an integer") }
        return bits
    }

    /// int64.
    ///
    /// - Throws: `ProtobufError.wrongType`.
    public func int64() throws(ProtobufError) -> Int { Int(truncatingIfNeeded: try uint64()) }

    /// int32 and enum: the lowest 32 bits, as protobuf's own readers take them.
    ///
    /// - Throws: `ProtobufError.wrongType`.
    public func int32() throws(ProtobufError) -> Int { Int(Int32(truncatingIfNeeded: try uint64())) }

    /// bool.
    ///
    /// - Throws: `ProtobufError.wrongType`.
    public func bool() throws(ProtobufError) -> Bool { try uint64() != 0 }

    /// float.
    ///
    /// - Throws: `ProtobufError.wrongType`.
    public func float() throws(ProtobufError) -> Float {
        guard case .fixed32(let bits) = value else { throw wrongType("a float") }
        return Float(bitPattern: bits)
    }

    /// double.
    ///
    /// - Throws: `ProtobufError.wrongType`.
    public func double() throws(ProtobufError) -> Double {
        guard case .fixed64(let bits) = value else { throw wrongType("a double") }
        return Double(bitPattern: bits)
    }

    // MARK: Bytes

    /// bytes, in place.
    ///
    /// - Throws: `ProtobufError.wrongType`.
    public func bytes() throws(ProtobufError) -> UnsafeRawBufferPointer {
        guard case .bytes(let bytes) = value else { throw wrongType("bytes") }
        return bytes
    }

    /// string.
    ///
    /// - Parameter limit: Bytes that it may have.
    /// - Throws: `ProtobufError.wrongType`, `.tooMany` or `.invalidText`.
    public func string(limit: Int) throws(ProtobufError) -> String {
        let bytes = try bytes()
        guard bytes.count <= limit else { throw .tooMany(field: number, limit: limit, offset: offset) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidText(field: number, offset: offset)
        }
        return text
    }

    /// A message within this one.
    ///
    /// - Throws: `ProtobufError.wrongType` or `.tooDeep`.
    public func message() throws(ProtobufError) -> ProtobufReader {
        let bytes = try bytes()
        guard depth < ProtobufReader.maxDepth else {
            throw .tooDeep(limit: ProtobufReader.maxDepth, offset: offset)
        }
        return ProtobufReader(bytes, base: end - bytes.count, depth: depth + 1)
    }

    // MARK: Repeated numbers, packed or one by one

    /// Appends the field's int64 numbers, or those of any type that is a varint.
    ///
    /// - Parameter limit: Numbers that the array may have in all.
    /// - Throws: `ProtobufError`.
    public func append(to numbers: inout [Int], limit: Int) throws(ProtobufError) {
        guard case .bytes(let bytes) = value else {
            let number = try int64()
            guard numbers.count < limit else { throw .tooMany(field: self.number, limit: limit, offset: offset) }
            return numbers.append(number)
        }
        var packed = ProtobufReader(bytes, base: end - bytes.count, depth: depth)
        while let bits = try packed.nextVarint() {
            guard numbers.count < limit else { throw .tooMany(field: number, limit: limit, offset: offset) }
            numbers.append(Int(truncatingIfNeeded: bits))
        }
    }

    /// Gives the field's numbers of any type that is a varint, packed or one, without keeping them.
    ///
    /// - Throws: `ProtobufError`, or what `body` throws.
    public func forEachVarint(_ body: (UInt64) throws -> Void) throws {
        guard case .bytes(let bytes) = value else { return try body(try uint64()) }
        var packed = ProtobufReader(bytes, base: end - bytes.count, depth: depth)
        while let bits = try packed.nextVarint() { try body(bits) }
    }

    /// Appends the bytes of the field's fixed-width numbers: float, double, fixed32, fixed64.
    ///
    /// - Parameters:
    ///   - size: Bytes of one number.
    ///   - limit: Bytes that the array may have in all.
    /// - Throws: `ProtobufError`.
    public func appendFixed(to numbers: inout [UInt8], size: Int, limit: Int) throws(ProtobufError) {
        var own: [UInt8] = []
        switch value {
        case .fixed32(let bits) where size == 4: withUnsafeBytes(of: bits.littleEndian) { own = Array($0) }
        case .fixed64(let bits) where size == 8: withUnsafeBytes(of: bits.littleEndian) { own = Array($0) }
        case .bytes(let bytes) where bytes.count % size == 0:
            guard bytes.count <= limit - numbers.count else {
                throw .tooMany(field: number, limit: limit / size, offset: offset)
            }
            return numbers.append(contentsOf: bytes)
        default: throw wrongType("numbers of \(size) bytes")
        }
        guard own.count <= limit - numbers.count else {
            throw .tooMany(field: number, limit: limit / size, offset: offset)
        }
        numbers += own
    }

    private func wrongType(_ expected: String) -> ProtobufError {
        .wrongType(field: number, expected: expected, offset: offset)
    }
}
