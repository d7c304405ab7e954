// SPDX-License-Identifier: MIT

/// The regular files of a tar archive: ustar, pax or GNU.
///
/// Links and devices are passed over; sparse files are refused, as are names that leave the archive.
///
/// - Source: POSIX.1-2017, `pax`, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
package struct TarArchive: Sendable {
    package struct Member: Sendable {
        package let name: String
        package let data: ByteRegion
    }

    package let members: [Member]
    /// Links, devices, and names that differ from another by case only.
    let bystanders: [ArchiveBystander]
    private static let part = "tar"
    private static let blockSize = 512

    /// The first block is a header with a right checksum.
    package static func isRecognised(_ file: ByteRegion) -> Bool {
        guard let block = file.slice(at: 0, count: blockSize), block.bytes[0] != 0 else { return false }
        return TarHeader.hasValidChecksum(block)
    }

    package init(_ file: ByteRegion, limits: CheckpointLimits) throws {
        var reader = ByteReader(file, part: Self.part)
        var names = ArchiveNames(limits: limits)
        var members: [Member] = []
        var bystanders: [ArchiveBystander] = []
        var pending = PendingAttributes()
        var headerCount = 0
        while reader.remaining > 0 {
            let block = try reader.take(Self.blockSize)
            if block.bytes.allSatisfy({ $0 == 0 }) { break }
            headerCount += 1
            guard headerCount <= limits.maxArchiveEntries else {
                throw CheckpointError.limitExceeded(limit: "maxArchiveEntries", maximum: limits.maxArchiveEntries)
            }
            let header = try TarHeader(block, reader: reader)
            let size = pending.size ?? header.size
            let data = try reader.take(size)
            _ = try reader.take((Self.blockSize - size % Self.blockSize) % Self.blockSize)
            if try pending.take(header, data, limits: limits, reader: reader) { continue }
            let nameBytes = pending.name ?? header.name
            pending = PendingAttributes()
            let kind = header.memberKind
            if kind == .folder { continue }
            let (name, fault) = try names.accept(nameBytes, isLink: kind == nil)
            if let fault {
                bystanders.append(fault)
            } else {
                members.append(Member(name: name, data: data))
            }
        }
        try Self.checkPadding(&reader)
        self.members = members
        self.bystanders = bystanders
    }

    /// After the end marker there is only padding.
    private static func checkPadding(_ reader: inout ByteReader) throws {
        let rest = try reader.take(reader.remaining)
        guard rest.bytes.allSatisfy({ $0 == 0 }) else { throw reader.malformed("bytes after the end of the archive") }
    }

    package subscript(name: String) -> Member? { members.first { $0.name == name } }
}

/// What pax and GNU headers say of the member after them.
private struct PendingAttributes {
    var name: ByteRegion?
    var size: Int?

    /// Takes a header that describes another; tells whether it was one.
    mutating func take(_ header: TarHeader, _ data: ByteRegion, limits: CheckpointLimits, reader: ByteReader) throws
        -> Bool
    {
        switch header.type {
        case UInt8(ascii: "g"): return true
        case UInt8(ascii: "L"):
            let end = data.bytes.firstIndex(of: 0) ?? data.count
            name = data.slice(at: 0, count: end)
            return true
        case UInt8(ascii: "x"):
            try readRecords(data, limits: limits)
            return true
        default: return false
        }
    }

    /// Records of the form `length key=value\n`, the length counting all of the record.
    private mutating func readRecords(_ data: ByteRegion, limits: CheckpointLimits) throws {
        var reader = ByteReader(data, part: "pax header")
        guard data.count <= 1 << 20 else {
            throw CheckpointError.limitExceeded(limit: "bytes of a pax header", maximum: 1 << 20)
        }
        while reader.remaining > 0 {
            let start = reader.offset
            var length = 0
            while true {
                let byte = try reader.byte()
                if byte == UInt8(ascii: " ") { break }
                guard (0x30...0x39).contains(byte), length < 1 << 24 else {
                    throw reader.malformed("a bad record length")
                }
                length = length * 10 + Int(byte - 0x30)
            }
            let used = reader.offset - start
            guard length > used else { throw reader.malformed("a bad record length") }
            let record = try reader.take(length - used)
            guard record.bytes.last == UInt8(ascii: "\n"), let equals = record.bytes.firstIndex(of: UInt8(ascii: "=")),
                let key = record.slice(at: 0, count: equals)?.utf8,
                let value = record.slice(at: equals + 1, count: record.count - equals - 2)
            else { throw reader.malformed("a record without a key or an end") }
            switch key {
            case "path": name = value
            case "size":
                guard let number = value.utf8.flatMap({ UInt($0) }).flatMap({ Int(exactly: $0) }) else {
                    throw reader.malformed("a bad size")
                }
                size = number
            case let key where key.hasPrefix("GNU.sparse"):
                throw CheckpointError.unsupportedFormat(
                    name: "a sparse file in a tar", hint: "pack it without --sparse")
            default: break
            }
        }
    }
}
