// SPDX-License-Identifier: MIT

/// Where a zip archive's directory stands, and how its records are laid out.
///
/// - Source: PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16.
struct ZipDirectory {
    let bytes: ByteRegion
    let offset: Int
    let entryCount: Int

    private static let part = "zip directory"
    private static let endSize = 22
    private static let locatorSize = 20

    /// Finds the directory through the record at the end of the file, whose comment must reach exactly to the end.
    static func locate(in file: ByteRegion) throws -> ZipDirectory {
        guard let end = endRecordOffset(in: file) else {
            throw CheckpointError.malformed(
                part: part, offset: file.count, reason: "no end record: the archive is cut short, or bytes follow it")
        }
        var reader = ByteReader(file, part: part, offset: end + 4)
        let disks = (try reader.integer(UInt16.self), try reader.integer(UInt16.self))
        let counts = (UInt64(try reader.integer(UInt16.self)), UInt64(try reader.integer(UInt16.self)))
        let size = UInt64(try reader.integer(UInt32.self))
        let start = UInt64(try reader.integer(UInt32.self))
        guard disks == (0, 0), counts.0 == counts.1 else { throw reader.malformed("an archive of several parts") }
        let plain = Summary(entryCount: counts.0, size: size, offset: start)
        guard let (long, longOffset) = try zip64Summary(in: file, before: end) else {
            return try checked(plain, file: file, end: end)
        }
        // Each 32-bit field must be saturated or repeat the 64-bit one.
        guard plain.entryCount == 0xFFFF || plain.entryCount == long.entryCount,
            plain.size == UInt32.max || plain.size == long.size,
            plain.offset == UInt32.max || plain.offset == long.offset
        else { throw reader.malformed("the two end records disagree") }
        return try checked(long, file: file, end: longOffset)
    }

    private struct Summary {
        var entryCount: UInt64
        var size: UInt64
        var offset: UInt64
    }

    private static func endRecordOffset(in file: ByteRegion) -> Int? {
        let last = file.count - endSize
        guard last >= 0 else { return nil }
        for offset in stride(from: last, through: max(0, last - 0xFFFF), by: -1)
        where file.integer(UInt32.self, at: offset) == 0x0605_4B50 {
            // The record nearest to the end decides: a comment that holds another one is refused, not searched.
            let comment = file.integer(UInt16.self, at: offset + 20).map { Int($0) }
            return comment == last - offset ? offset : nil
        }
        return nil
    }

    private static func zip64Summary(in file: ByteRegion, before end: Int) throws -> (Summary, offset: Int)? {
        let locator = end - locatorSize
        guard locator >= 0, file.integer(UInt32.self, at: locator) == 0x0706_4B50 else { return nil }
        guard file.integer(UInt32.self, at: locator + 4) == 0, file.integer(UInt32.self, at: locator + 16) == 1,
            let offset = file.integer(UInt64.self, at: locator + 8).flatMap({ Int(exactly: $0) })
        else { throw CheckpointError.malformed(part: part, offset: locator, reason: "a bad zip64 locator") }
        var reader = ByteReader(file, part: part, offset: offset)
        guard reader.offset == offset, try reader.integer(UInt32.self) == 0x0606_4B50 else {
            throw CheckpointError.malformed(part: part, offset: offset, reason: "no zip64 end record")
        }
        let size = try reader.length(UInt64.self)
        guard size >= 44, offset + 12 + size == locator else {
            throw reader.malformed("a zip64 end record of wrong size")
        }
        _ = try reader.integer(UInt32.self)
        let disks = (try reader.integer(UInt32.self), try reader.integer(UInt32.self))
        let counts = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
        guard disks == (0, 0), counts.0 == counts.1 else { throw reader.malformed("an archive of several parts") }
        let summary = Summary(
            entryCount: counts.0, size: try reader.integer(UInt64.self), offset: try reader.integer(UInt64.self))
        return (summary, offset)
    }

    /// The directory ends where the end records begin, and has room for the entries it claims.
    private static func checked(_ summary: Summary, file: ByteRegion, end: Int) throws -> ZipDirectory {
        guard let offset = Int(exactly: summary.offset), let size = Int(exactly: summary.size),
            let entryCount = Int(exactly: summary.entryCount), let bytes = file.slice(at: offset, count: size),
            offset + size == end, entryCount <= size / 46
        else {
            throw CheckpointError.malformed(
                part: part, offset: end, reason: "the end record gives the directory a wrong place, size or count")
        }
        return ZipDirectory(bytes: bytes, offset: offset, entryCount: entryCount)
    }

    /// Reads one record of the directory.
    static func readRecord(_ reader: inout ByteReader) throws -> ZipRecord {
        guard try reader.integer(UInt32.self) == 0x0201_4B50 else { throw reader.malformed("no entry") }
        _ = try reader.integer(UInt32.self)
        let flags = try reader.integer(UInt16.self)
        let method = try reader.integer(UInt16.self)
        _ = try reader.integer(UInt32.self)
        let checksum = try reader.integer(UInt32.self)
        let compressedSize = UInt64(try reader.integer(UInt32.self))
        let size = UInt64(try reader.integer(UInt32.self))
        let lengths = (
            name: Int(try reader.integer(UInt16.self)), extra: Int(try reader.integer(UInt16.self)),
            comment: Int(try reader.integer(UInt16.self))
        )
        let disk = try reader.integer(UInt16.self)
        guard disk == 0 else { throw reader.malformed("an archive of several parts") }
        _ = try reader.take(2)
        let attributes = try reader.integer(UInt32.self)
        let headerOffset = UInt64(try reader.integer(UInt32.self))
        var record = ZipRecord(
            flags: flags, method: method, checksum: checksum, compressedSize: compressedSize, size: size,
            headerOffset: headerOffset, nameBytes: try reader.take(lengths.name))
        try record.resolveZip64(extra: reader.take(lengths.extra), needsOffset: true, part: part)
        _ = try reader.take(lengths.comment)
        // The upper half holds Unix permissions where a Unix program wrote the entry; 0o12 is a symbolic link.
        record.isLink = attributes >> 28 == 0o12
        return record
    }
}
