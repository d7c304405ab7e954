// SPDX-License-Identifier: MIT

/// One header block of 512 bytes.
struct TarHeader {
    enum MemberKind {
        case file
        case folder
    }

    let name: ByteRegion
    let size: Int
    let type: UInt8

    /// - Parameter reader: Where the block was read, for messages.
    init(_ block: ByteRegion, reader: ByteReader) throws {
        guard Self.hasValidChecksum(block) else { throw reader.malformed("a header with a wrong checksum") }
        guard let size = Self.number(block, at: 124, count: 12), let name = Self.name(block) else {
            throw reader.malformed("a header with a bad size or name")
        }
        self.name = name
        self.size = size
        type = block.bytes[156]
    }

    /// Nil for what is neither a regular file nor a folder.
    var memberKind: MemberKind? {
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): name.bytes.last == UInt8(ascii: "/") ? .folder : .file
        case UInt8(ascii: "5"): .folder
        default: nil
        }
    }

    /// The sum of all bytes, the checksum itself counted as spaces.
    static func hasValidChecksum(_ block: ByteRegion) -> Bool {
        guard block.count == 512, let stated = number(block, at: 148, count: 8) else { return false }
        let sum = block.bytes.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element)) }
        return sum == stated
    }

    /// A number in octal, ended by a space or NUL; or, with the highest bit set, in binary.
    private static func number(_ block: ByteRegion, at offset: Int, count: Int) -> Int? {
        let field = block.bytes[offset..<(offset + count)]
        if field.first == 0x80 {
            guard field.dropLast(8).dropFirst().allSatisfy({ $0 == 0 }) else { return nil }
            return Int(exactly: field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }
    }

    /// The name, after the prefix that ustar keeps apart.
    private static func name(_ block: ByteRegion) -> ByteRegion? {
        func field(at offset: Int, count: Int) -> [UInt8] {
            Array(block.bytes[offset..<(offset + count)].prefix { $0 != 0 })
        }
        let name = field(at: 0, count: 100)
        let isUstar = block.slice(at: 257, count: 6)?.bytes.elementsEqual(Array("ustar\0".utf8)) == true
        let prefix = isUstar ? field(at: 345, count: 155) : []
        return ByteRegion(copying: prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name)
    }
}
