// SPDX-License-Identifier: MIT

/// EXIF data whose entries can be changed: a TIFF file in memory, perhaps after one or two "Exif\0\0" marks. None of its
/// numbers is trusted: any bytes can be read, and what lies outside them is not there.
///
/// - Source: TIFF 6.0, section 2; EXIF 2.32, section 4.6.
struct EXIFBlock {
    /// All bytes, marks included.
    var bytes: [UInt8]
    /// Where the TIFF file begins, from which its offsets count.
    let start: Int
    let isLittleEndian: Bool

    /// One entry of a directory.
    struct Entry {
        var tag: Int
        var type: Int
        var count: Int
        /// Where the entry's twelve bytes begin.
        var position: Int
        /// Where its values begin, in the entry or elsewhere.
        var values: Range<Int>
    }

    /// A directory: its entries, and where the offset of the next one stands.
    struct Directory {
        var entries: [Entry]
        var nextPosition: Int

        func entry(_ tag: Int) -> Entry? { entries.first { $0.tag == tag } }
    }

    /// Tags that are read or written.
    enum Tag {
        static let imageWidth = 0x100
        static let imageHeight = 0x101
        static let compression = 0x103
        static let stripOffsets = 0x111
        static let orientation = 0x112
        static let stripByteCounts = 0x117
        static let horizontalResolution = 0x11A
        static let verticalResolution = 0x11B
        static let jpegOffset = 0x201
        static let jpegLength = 0x202
        static let relatedImageWidth = 0x1001
        static let relatedImageHeight = 0x1002
        static let exifDirectory = 0x8769
        static let subjectArea = 0x9214
        static let pixelWidth = 0xA002
        static let pixelHeight = 0xA003
        static let interoperabilityDirectory = 0xA005
        static let focalPlaneHorizontalResolution = 0xA20E
        static let focalPlaneVerticalResolution = 0xA20F
        static let subjectLocation = 0xA214
    }

    static let entryBytes = 12
    private static let mark = Array("Exif\0\0".utf8)

    /// Nil where the bytes begin like no TIFF file.
    init?(_ bytes: [UInt8]) {
        var start = 0
        for _ in 0..<2 where bytes.dropFirst(start).starts(with: Self.mark) { start += Self.mark.count }
        switch Array(bytes.dropFirst(start).prefix(4)) {
        case [0x49, 0x49, 0x2A, 0]: isLittleEndian = true
        case [0x4D, 0x4D, 0, 0x2A]: isLittleEndian = false
        default: return nil
        }
        self.bytes = bytes
        self.start = start
    }

    /// Bytes of one value of a TIFF field type; nil for an unknown type.
    static func unitBytes(ofType type: Int) -> Int? {
        switch type {
        case 1, 2, 6, 7: 1
        case 3, 8: 2
        case 4, 9, 11, 13: 4
        case 5, 10, 12, 16: 8
        default: nil
        }
    }

    // MARK: Reading

    /// The number in `bytes` bytes at a position; nil outside.
    func number(at position: Int, bytes count: Int) -> Int? {
        bytes.withUnsafeBytes { $0.unsigned(at: position, bytes: count, littleEndian: isLittleEndian) }
            .map { Int(truncatingIfNeeded: $0) }
    }

    /// The first of an entry's values, if it is a whole number without sign.
    func number(_ entry: Entry?) -> Int? {
        guard let entry, entry.count > 0 else { return nil }
        switch entry.type {
        case 1, 3, 4, 13: return number(at: entry.values.lowerBound, bytes: Self.unitBytes(ofType: entry.type) ?? 1)
        default: return nil
        }
    }

    /// All values of an entry of 16-bit or 32-bit numbers.
    func numbers(_ entry: Entry) -> [Int]? {
        guard entry.type == 3 || entry.type == 4, let unit = Self.unitBytes(ofType: entry.type) else { return nil }
        return (0..<entry.count).compactMap { number(at: entry.values.lowerBound + $0 * unit, bytes: unit) }
    }

    /// The directory at an offset from the start of the TIFF file. Entries whose values lie outside are left out.
    func directory(at offset: Int) -> Directory? {
        let position = start + offset
        guard offset >= 8, let count = number(at: position, bytes: 2) else { return nil }
        let end = position + 2 + count * Self.entryBytes
        guard end <= bytes.count else { return nil }
        let entries = (0..<count).compactMap { entry(at: position + 2 + $0 * Self.entryBytes) }
        return Directory(entries: entries, nextPosition: end)
    }

    /// The directory whose offset an entry holds.
    func directory(_ entry: Entry?) -> Directory? { number(entry).flatMap(directory(at:)) }

    /// The directory of the picture itself.
    var main: Directory? { number(at: start + 4, bytes: 4).flatMap(directory(at:)) }

    private func entry(at position: Int) -> Entry? {
        guard let tag = number(at: position, bytes: 2), let type = number(at: position + 2, bytes: 2),
            let count = number(at: position + 4, bytes: 4), let unit = Self.unitBytes(ofType: type)
        else { return nil }
        let size = count * unit
        var first = position + 8
        if size > 4 {
            guard let offset = number(at: first, bytes: 4) else { return nil }
            first = start + offset
        }
        guard first + size <= bytes.count else { return nil }
        return Entry(tag: tag, type: type, count: count, position: position, values: first..<(first + size))
    }

    // MARK: Writing

    /// Writes a number into `bytes` bytes that lie within the block.
    mutating func set(_ value: Int, at position: Int, bytes count: Int) {
        guard position >= 0, position <= bytes.count - count else { return }
        for index in 0..<count {
            let shift = 8 * (isLittleEndian ? index : count - 1 - index)
            bytes[position + index] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }

    /// Sets the values of an entry of 16-bit or 32-bit numbers; what does not fit its type stays as it was.
    mutating func set(_ values: [Int], in entry: Entry?) {
        guard let entry, entry.type == 3 || entry.type == 4, entry.count == values.count,
            let unit = Self.unitBytes(ofType: entry.type), values.allSatisfy({ $0 >= 0 && $0 < 1 << (8 * unit) })
        else { return }
        for (index, value) in values.enumerated() {
            set(value, at: entry.values.lowerBound + index * unit, bytes: unit)
        }
    }

    /// Exchanges the values of two entries of one type.
    mutating func swap(_ first: Entry?, _ second: Entry?) {
        guard let first, let second, first.type == second.type, first.values.count == second.values.count,
            !first.values.overlaps(second.values)
        else { return }
        let kept = Array(bytes[first.values])
        bytes.replaceSubrange(first.values, with: bytes[second.values])
        bytes.replaceSubrange(second.values, with: kept)
    }

    /// Overwrites bytes that lie within the block.
    mutating func overwrite(from position: Int, with new: some Collection<UInt8>) {
        guard position >= 0, position <= bytes.count - new.count else { return }
        bytes.replaceSubrange(position..<(position + new.count), with: new)
    }

    /// Adds bytes at the end, at an even offset; returns that offset from the start of the TIFF file.
    mutating func append(_ new: some Collection<UInt8>) -> Int {
        if !(bytes.count - start).isMultiple(of: 2) { bytes.append(0) }
        defer { bytes += new }
        return bytes.count - start
    }

    /// Cuts the end off.
    mutating func truncate(to count: Int) { bytes.removeLast(max(0, bytes.count - count)) }
}
