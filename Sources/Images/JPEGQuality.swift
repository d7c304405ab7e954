// SPDX-License-Identifier: MIT

/// The quality, on libjpeg's scale, at which a JPEG was written.
enum JPEGQuality {
    /// The lowest quality whose tables are nowhere coarser than the file's; 95 where the file's cannot be read.
    ///
    /// A file that libjpeg wrote gets its own quality, and so its own tables.
    static func estimate(_ segments: JPEGSegments, in bytes: UnsafeRawBufferPointer) -> Int {
        let tables = quantizationTables(segments, in: bytes)
        guard let luma = tables[0] else { return 95 }
        let chroma = tables[1]
        return (1...100).first { quality in
            zip(scaled(standardLuma, quality), luma).allSatisfy { $0 <= $1 }
                && zip(scaled(standardChroma, quality), chroma ?? []).allSatisfy { $0 <= $1 }
        } ?? 100
    }

    /// Tables by their number, entries in zigzag order; what is malformed is left out.
    private static func quantizationTables(_ segments: JPEGSegments, in bytes: UnsafeRawBufferPointer) -> [Int: [Int]] {
        var tables: [Int: [Int]] = [:]
        for segment in segments.segments where segment.marker == 0xDB {
            var offset = segment.payload.lowerBound
            while offset < segment.payload.upperBound {
                let entryBytes = bytes[offset] >> 4 == 0 ? 1 : 2
                let number = Int(bytes[offset] & 15)
                guard offset + 1 + 64 * entryBytes <= segment.payload.upperBound else { break }
                tables[number] = (0..<64).compactMap {
                    bytes.bigEndian(at: offset + 1 + $0 * entryBytes, bytes: entryBytes)
                }
                offset += 1 + 64 * entryBytes
            }
        }
        return tables
    }

    /// A standard table at a quality of 1 to 100, entries 1 to 255.
    private static func scaled(_ table: [Int], _ quality: Int) -> [Int] {
        let percent = quality < 50 ? 5000 / quality : 200 - quality * 2
        return table.map { min(255, max(1, ($0 * percent + 50) / 100)) }
    }

    // The example tables of ISO/IEC 10918-1, annex K.1, in zigzag order.
    private static let standardLuma = [
        16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51,
        61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77,
        113, 121, 112, 100, 120, 92, 101, 103, 99,
    ]
    private static let standardChroma =
        [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66] + Array(repeating: 99, count: 50)
}
