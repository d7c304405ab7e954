// SPDX-License-Identifier: MIT

/// The directory of a zip archive, read from its end and held against every entry's own header.
///
/// Any two readers of an accepted archive see the same entries: names are unique even without regard to case, each entry
/// begins where the one before it ends, and nothing but a declared comment follows the directory.
package struct ZipArchive: Sendable {
    /// The entries, in the order of the directory, without folders.
    package let entries: [ZipEntry]
    /// Entries that are passed over: links, and names that differ from another by case only.
    let bystanders: [ArchiveBystander]
    private let indexByName: [String: Int]

    /// - Throws: ``CheckpointError``.
    package init(_ file: ByteRegion, limits: CheckpointLimits) throws {
        let directory = try ZipDirectory.locate(in: file)
        guard directory.entryCount <= limits.maxArchiveEntries else {
            throw CheckpointError.limitExceeded(limit: "maxArchiveEntries", maximum: limits.maxArchiveEntries)
        }
        var reader = ByteReader(directory.bytes, part: "zip directory")
        var entries: [ZipEntry] = []
        var extents: [(name: String, range: Range<Int>)] = []
        var names = ArchiveNames(limits: limits)
        var bystanders: [ArchiveBystander] = []
        let unpacking = UnpackingBudget()
        for index in 0..<directory.entryCount {
            if index.isMultiple(of: 8) { file.discardPages() }
            let record = try ZipDirectory.readRecord(&reader)
            let (name, fault) = try names.accept(record.nameBytes, isLink: record.isLink)
            let entry = try ZipEntry(record, name: name, file: file, end: directory.offset, unpacking: unpacking)
            extents.append((name, entry.extent))
            if let fault {
                bystanders.append(fault)
                continue
            }
            if name.hasSuffix("/") {
                guard entry.byteCount == 0 else {
                    throw CheckpointError.unsafeEntry(name: name, reason: "a folder with bytes")
                }
            } else {
                entries.append(entry)
            }
        }
        guard reader.remaining == 0 else { throw reader.malformed("bytes after the last entry") }
        try Self.checkExtents(extents, end: directory.offset)
        self.entries = entries
        self.bystanders = bystanders
        indexByName = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    }

    package subscript(name: String) -> ZipEntry? { indexByName[name].map { entries[$0] } }

    /// The entries stand one after another, up to the directory.
    private static func checkExtents(_ extents: [(name: String, range: Range<Int>)], end: Int) throws {
        var (previous, offset) = ("", 0)
        for (name, range) in extents.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            if range.lowerBound < offset { throw CheckpointError.overlappingEntries(first: previous, second: name) }
            try checkGap(offset..<range.lowerBound)
            (previous, offset) = (name, range.upperBound)
        }
        try checkGap(offset..<end)
    }

    private static func checkGap(_ gap: Range<Int>) throws {
        guard gap.isEmpty else {
            throw CheckpointError.malformed(
                part: "zip", offset: gap.lowerBound, reason: "\(gap.count) bytes that belong to no entry")
        }
    }
}

extension ZipEntry {
    /// Finds the entry's data through its local header, which must agree with the directory.
    fileprivate init(
        _ record: ZipRecord, name: String, file: ByteRegion, end: Int, unpacking: UnpackingBudget
    ) throws {
        if record.isEncrypted { throw CheckpointError.encryptedEntry(name) }
        guard let method = Method(rawValue: record.method) else {
            throw CheckpointError.unsupportedFormat(
                name: "'\(name)', compressed by method \(record.method)", hint: "write the archive without compression")
        }
        guard let headerOffset = Int(exactly: record.headerOffset), let stored = Int(exactly: record.compressedSize),
            let byteCount = Int(exactly: record.size), headerOffset <= end
        else { throw CheckpointError.sizeOverflow(what: name) }
        if method == .stored, stored != byteCount {
            throw CheckpointError.headerDisagreement(entry: name, field: "two sizes of a stored entry")
        }

        var reader = ByteReader(file, part: "zip entry '\(name)'", offset: headerOffset)
        try Self.checkLocalHeader(&reader, against: record, name: name)
        let dataOffset = reader.offset
        let data = try reader.take(stored)
        if record.hasDescriptor { try Self.checkDescriptor(&reader, against: record, name: name) }
        guard reader.offset <= end else {
            throw CheckpointError.overlappingEntries(first: name, second: "zip directory")
        }

        self.name = name
        self.method = method
        self.checksum = record.checksum
        self.byteCount = byteCount
        self.data = data
        self.dataOffset = dataOffset
        self.extent = headerOffset..<reader.offset
        self.unpacking = unpacking
    }

    private static func checkLocalHeader(_ reader: inout ByteReader, against record: ZipRecord, name: String) throws {
        guard try reader.integer(UInt32.self) == 0x0403_4B50 else { throw reader.malformed("no local header") }
        _ = try reader.integer(UInt16.self)
        var local = record
        local.flags = try reader.integer(UInt16.self)
        local.method = try reader.integer(UInt16.self)
        _ = try reader.integer(UInt32.self)
        local.checksum = try reader.integer(UInt32.self)
        local.compressedSize = UInt64(try reader.integer(UInt32.self))
        local.size = UInt64(try reader.integer(UInt32.self))
        let nameLength = Int(try reader.integer(UInt16.self))
        let extraLength = Int(try reader.integer(UInt16.self))
        local.nameBytes = try reader.take(nameLength)
        try local.resolveZip64(extra: reader.take(extraLength), needsOffset: false, part: reader.part)

        func require(_ isEqual: Bool, _ field: String) throws {
            if !isEqual { throw CheckpointError.headerDisagreement(entry: name, field: field) }
        }
        try require(local.nameBytes.bytes.elementsEqual(record.nameBytes.bytes), "name")
        try require(local.flags == record.flags, "flags")
        try require(local.method == record.method, "method")
        // With a descriptor the header may leave the three fields at zero.
        let isBlank = record.hasDescriptor && local.checksum == 0 && local.compressedSize == 0 && local.size == 0
        if isBlank { return }
        try require(local.checksum == record.checksum, "checksum")
        try require(local.compressedSize == record.compressedSize && local.size == record.size, "size")
    }

    /// The descriptor has 32-bit sizes, or 64-bit ones; the signature must be there, as PyTorch and Python write it.
    private static func checkDescriptor(_ reader: inout ByteReader, against record: ZipRecord, name: String) throws {
        guard try reader.integer(UInt32.self) == 0x0807_4B50, try reader.integer(UInt32.self) == record.checksum else {
            throw CheckpointError.headerDisagreement(entry: name, field: "checksum (descriptor)")
        }
        let offset = reader.offset
        var long = reader
        if record.compressedSize <= UInt32.max, record.size <= UInt32.max,
            reader.region.integer(UInt32.self, at: offset) == UInt32(record.compressedSize),
            reader.region.integer(UInt32.self, at: offset + 4) == UInt32(record.size)
        {
            _ = try reader.take(8)
            return
        }
        guard try long.integer(UInt64.self) == record.compressedSize, try long.integer(UInt64.self) == record.size
        else {
            throw CheckpointError.headerDisagreement(entry: name, field: "size (descriptor)")
        }
        reader = long
    }
}
