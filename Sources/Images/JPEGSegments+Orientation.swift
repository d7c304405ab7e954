// SPDX-License-Identifier: MIT

extension JPEGSegments {
    private static let exifMark = Array("Exif\0\0".utf8)
    private static let xmpMark = Array("http://ns.adobe.com/xap/1.0/\0".utf8)

    /// The orientation that the file's EXIF asks for, or else its XMP; `.up` where neither can be read.
    func orientation(in bytes: UnsafeRawBufferPointer) -> EXIFOrientation { statedOrientation(in: bytes) ?? .up }

    /// The same; nil where nothing is said of an orientation.
    func statedOrientation(in bytes: UnsafeRawBufferPointer) -> EXIFOrientation? {
        let exif = exifRanges(in: bytes).flatMap { bytes[$0] }
        if let location = exif.withUnsafeBytes(EXIFOrientation.locate(in:)) { return location.orientation ?? .up }
        let xmp = xmpRanges(in: bytes).last.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) }
        return xmp.flatMap(EXIFOrientation.inXMP)
    }

    /// Where the EXIF data lie: the first segment with its mark, any further ones, which continue it, without.
    func exifRanges(in bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        let payloads = app1Payloads(in: bytes, markedBy: Self.exifMark)
        return payloads.prefix(1)
            + payloads.dropFirst().map { ($0.lowerBound + Self.exifMark.count)..<$0.upperBound }
    }

    /// Where XMP texts lie, without their mark. The last one counts.
    func xmpRanges(in bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        app1Payloads(in: bytes, markedBy: Self.xmpMark).map { ($0.lowerBound + Self.xmpMark.count)..<$0.upperBound }
    }

    /// Payloads of APP1 segments before the first scan that begin with `mark`.
    private func app1Payloads(in bytes: UnsafeRawBufferPointer, markedBy mark: [UInt8]) -> [Range<Int>] {
        header.filter { $0.marker == Marker.app1 && bytes[$0.payload].starts(with: mark) }.map(\.payload)
    }
}
