// SPDX-License-Identifier: MIT

/// The segments of a JPEG that describe its picture: kept, moved to another file, or set to "upright".
enum JPEGMetadata {
    /// Makes EXIF and XMP say that the picture is upright, where they say anything; returns whether a byte changed.
    @discardableResult
    static func setUpright(_ file: inout [UInt8]) throws(ImageError) -> Bool {
        let segments = try file.withRawBytes { (bytes) throws(ImageError) in try JPEGSegments(bytes) }
        return file.withUnsafeMutableBytes { setUpright($0, segments) }
    }

    /// The same for a file whose segments are known.
    static func setUpright(_ file: UnsafeMutableRawBufferPointer, _ segments: JPEGSegments) -> Bool {
        var hasChanged = false
        func set(_ byte: UInt8, at offset: Int) {
            hasChanged = hasChanged || file[offset] != byte
            file[offset] = byte
        }
        let bytes = UnsafeRawBufferPointer(file)
        let ranges = segments.exifRanges(in: bytes)
        let exif = ranges.flatMap { bytes[$0] }
        if let location = exif.withUnsafeBytes(EXIFOrientation.locate(in:)) {
            for (index, byte) in location.bytesOfUp.enumerated() {
                if let place = ranges.element(at: location.offset + index) { set(byte, at: place) }
            }
        }
        for range in segments.xmpRanges(in: bytes) {
            let digit = EXIFOrientation.digitInXMP(UnsafeRawBufferPointer(rebasing: bytes[range]))
            if let digit { set(UInt8(ascii: "1"), at: range.lowerBound + digit) }
        }
        return hasChanged
    }

    /// The encoded picture with the metadata of another file: its APPn and comment segments in their order, less
    /// Adobe's note on colour, which is about the other file's coding.
    static func transplanted(
        from source: UnsafeRawBufferPointer, _ segments: JPEGSegments, into encoded: [UInt8]
    ) throws(ImageError) -> [UInt8] {
        let target = try encoded.withRawBytes { (bytes) throws(ImageError) in try JPEGSegments(bytes) }
        let isMetadata = { (segment: JPEGSegments.Segment) in
            (0xE0...0xEF).contains(segment.marker) && segment.marker != 0xEE || segment.marker == 0xFE
        }
        let kept = segments.segments.prefix { $0.marker != JPEGSegments.Marker.startOfScan }.filter(isMetadata)
        let hasJFIF = kept.contains { $0.marker == 0xE0 && source[$0.payload].starts(with: Array("JFIF\0".utf8)) }
        var result: [UInt8] = [0xFF, JPEGSegments.Marker.startOfImage]
        for segment in kept { result += source[(segment.payload.lowerBound - 4)..<segment.payload.upperBound] }
        let start = hasJFIF ? target.segments.first { $0.marker == 0xE0 }?.payload.upperBound : nil
        return result + encoded[(start ?? 2)...]
    }
}

extension [Range<Int>] {
    /// The number at `index` of all ranges laid end to end.
    fileprivate func element(at index: Int) -> Int? {
        var rest = index
        for range in self {
            if rest < range.count { return range.lowerBound + rest }
            rest -= range.count
        }
        return nil
    }
}
