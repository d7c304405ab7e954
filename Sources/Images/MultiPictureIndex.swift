// SPDX-License-Identifier: MIT

/// The index of the pictures in a file of several, which an APP2 segment of the first picture holds.
///
/// - Source: CIPA DC-007, Multi-Picture Format, section 5.2.
struct MultiPictureIndex {
    /// One picture of the file.
    struct Entry {
        /// Where the entry's sixteen bytes begin, from the start of the segment's payload.
        var position: Int
        /// Bytes of the picture.
        var size: Int
        /// Where it begins, counted from the index's own start; 0 is the file's first picture.
        var offset: Int
    }

    private(set) var entries: [Entry] = []
    private let isLittleEndian: Bool
    /// Where offsets count from, from the start of the segment's payload.
    static let base = mark.count
    static let mark = Array("MPF\0".utf8)
    private static let entriesTag = 0xB002
    private static let entryBytes = 16

    /// - Parameter payload: The segment's, with its mark. Nil where it holds no index.
    init?(_ payload: [UInt8]) {
        guard payload.starts(with: Self.mark), let block = EXIFBlock(Array(payload.dropFirst(Self.base))),
            let list = block.main?.entry(Self.entriesTag)
        else { return nil }
        isLittleEndian = block.isLittleEndian
        for first in stride(from: list.values.lowerBound, to: list.values.upperBound, by: Self.entryBytes) {
            guard let size = block.number(at: first + 4, bytes: 4), let offset = block.number(at: first + 8, bytes: 4),
                first + Self.entryBytes <= list.values.upperBound
            else { break }
            entries.append(Entry(position: Self.base + first, size: size, offset: offset))
        }
    }

    /// Writes an entry's size and offset where they stand in the file.
    ///
    /// - Parameter payload: Where the segment's payload begins in `file`.
    func write(_ entry: Entry, to file: inout [UInt8], payload: Int) throws(ImageError) {
        guard let size = UInt32(exactly: entry.size), let offset = UInt32(exactly: entry.offset) else {
            throw .extras(reason: "the file would become too long for its index of pictures")
        }
        for (index, number) in [size, offset].enumerated() {
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * $0)) }
            let place = payload + entry.position + 4 + 4 * index
            file.replaceSubrange(place..<(place + 4), with: isLittleEndian ? bytes : bytes.reversed())
        }
    }
}
