// SPDX-License-Identifier: MIT

extension EXIFOrientation {
    /// Where the orientation's value lies in a block of EXIF data, and what it says.
    package struct Location: Equatable {
        /// Offset of the entry's first value byte from the start of the data that was searched.
        package var offset: Int
        /// The value's TIFF field type.
        package var type: Int
        /// How the value's bytes are ordered.
        package var isLittleEndian: Bool
        /// The orientation; nil if the value is none of 1 to 8.
        package var orientation: EXIFOrientation?

        /// The value's bytes for another orientation, in the same type and byte order.
        func bytes(of orientation: EXIFOrientation) -> [UInt8] {
            let value = UInt64(orientation.rawValue)
            let parts: [(value: UInt64, bytes: Int)] =
                switch type {
                case 5, 10: [(value, 4), (1, 4)]
                case 11: [(UInt64(Float(value).bitPattern), 4)]
                case 12: [(Double(value).bitPattern, 8)]
                default: [(value, EXIFBlock.unitBytes(ofType: type) ?? 1)]
                }
            return parts.flatMap { part in
                let littleEndian = (0..<part.bytes).map { UInt8(truncatingIfNeeded: part.value >> UInt64(8 * $0)) }
                return isLittleEndian ? littleEndian : littleEndian.reversed()
            }
        }
    }

    /// Finds the orientation in EXIF data: a TIFF file, perhaps after one or two "Exif\0\0" marks.
    ///
    /// Total: any bytes give an answer. What Pillow ignores is ignored: an unknown header, a directory outside the
    /// data, an entry of an unusable type. The first usable entry counts, and of several values the first.
    ///
    /// - Source: TIFF 6.0, section 2; Pillow's `ImageFileDirectory_v2.load`.
    package static func locate(in data: UnsafeRawBufferPointer) -> Location? {
        var start = 0
        let mark = Array("Exif\0\0".utf8)
        for _ in 0..<2 where data.dropFirst(start).starts(with: mark) { start += mark.count }
        guard start < data.count else { return nil }
        var location = TIFFDirectory(UnsafeRawBufferPointer(rebasing: data[start...]))?.locateOrientation()
        location?.offset += start
        return location
    }

    /// Finds the orientation in XMP text.
    package static func inXMP(_ text: UnsafeRawBufferPointer) -> EXIFOrientation? {
        digitInXMP(text).flatMap { EXIFOrientation(rawValue: Int(text[$0]) - 0x30) }
    }

    /// Where XMP text holds its orientation: the digit after `tiff:Orientation="` or `tiff:Orientation>`.
    static func digitInXMP(_ text: UnsafeRawBufferPointer) -> Int? {
        let name = Array("tiff:Orientation".utf8)
        var position = 0
        while let start = text.firstOffset(of: name, from: position) {
            position = start + name.count
            var value = text.dropFirst(position)
            if value.starts(with: Array("=\"".utf8)) {
                value = value.dropFirst(2)
            } else if value.starts(with: Array(">".utf8)) {
                value = value.dropFirst(1)
            } else {
                continue
            }
            if let digit = value.first, (0x30...0x39).contains(digit) { return value.startIndex }
        }
        return nil
    }
}

/// The first directory of a TIFF file, read without trusting any of its numbers.
private struct TIFFDirectory {
    private let data: UnsafeRawBufferPointer
    private let isLittleEndian: Bool
    private let offset: Int
    private static let orientationTag = 0x0112
    private static let entryBytes = 12

    init?(_ data: UnsafeRawBufferPointer) {
        let magic = Array(data.prefix(4))
        switch magic {
        case [0x49, 0x49, 0x2A, 0], [0x49, 0x49, 0, 0x2A]: isLittleEndian = true
        case [0x4D, 0x4D, 0, 0x2A], [0x4D, 0x4D, 0x2A, 0]: isLittleEndian = false
        default: return nil
        }
        self.data = data
        guard let offset = data.unsigned(at: 4, bytes: 4, littleEndian: isLittleEndian) else { return nil }
        self.offset = Int(truncatingIfNeeded: offset)
    }

    /// Walks the entries until the orientation, the end of the directory or the end of the data.
    func locateOrientation() -> EXIFOrientation.Location? {
        guard let entries = number(at: offset, bytes: 2) else { return nil }
        var valueBytes = 0
        for entry in 0..<entries {
            let at = offset + 2 + entry * Self.entryBytes
            guard at <= data.count - Self.entryBytes, let tag = number(at: at, bytes: 2),
                let type = number(at: at + 2, bytes: 2), let count = number(at: at + 4, bytes: 4)
            else { return nil }
            guard let unit = EXIFBlock.unitBytes(ofType: type) else { continue }
            let size = count * unit
            var valueOffset = at + 8
            if size > 4 {
                valueBytes += size
                if valueBytes > data.count { continue }
                guard let outside = number(at: at + 8, bytes: 4), outside <= data.count - size else { return nil }
                valueOffset = outside
            }
            if tag == Self.orientationTag && size > 0 {
                return .init(
                    offset: valueOffset, type: type, isLittleEndian: isLittleEndian,
                    orientation: orientation(at: valueOffset, type: type))
            }
        }
        return nil
    }

    private func number(at offset: Int, bytes: Int) -> Int? {
        data.unsigned(at: offset, bytes: bytes, littleEndian: isLittleEndian).map { Int(truncatingIfNeeded: $0) }
    }

    private func orientation(at offset: Int, type: Int) -> EXIFOrientation? {
        guard let unit = EXIFBlock.unitBytes(ofType: type) else { return nil }
        switch type {
        case 3, 4, 6, 8, 9, 13, 16:
            return number(at: offset, bytes: unit).flatMap(EXIFOrientation.init(rawValue:))
        case 5, 10:
            guard let numerator = number(at: offset, bytes: 4), let denominator = number(at: offset + 4, bytes: 4),
                denominator > 0, numerator % denominator == 0
            else { return nil }
            return EXIFOrientation(rawValue: numerator / denominator)
        case 11:
            let bits = data.unsigned(at: offset, bytes: 4, littleEndian: isLittleEndian)
            return bits.flatMap { Int(exactly: Float(bitPattern: UInt32(truncatingIfNeeded: $0))) }
                .flatMap(EXIFOrientation.init(rawValue:))
        case 12:
            let bits = data.unsigned(at: offset, bytes: 8, littleEndian: isLittleEndian)
            return bits.flatMap { Int(exactly: Double(bitPattern: $0)) }.flatMap(EXIFOrientation.init(rawValue:))
        default:
            return nil
        }
    }
}
