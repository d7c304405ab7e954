// SPDX-License-Identifier: MIT

/// Where PNG files keep an orientation: an eXIf chunk, ImageMagick's hexadecimal text chunk, or XMP text.
enum PNGOrientation {
    static func find(
        in bytes: UnsafeRawBufferPointer, chunks: PNGChunks, texts: [(keyword: String, text: [UInt8])]
    ) -> EXIFOrientation {
        let text = { (keyword: String) in texts.last { $0.keyword == keyword }?.text }
        var location: EXIFOrientation.Location?
        if let chunk = chunks.chunks.last(where: { $0.type == "eXIf" }) {
            location = EXIFOrientation.locate(in: UnsafeRawBufferPointer(rebasing: bytes[chunk.data]))
        } else if let profile = text("Raw profile type exif"), let exif = bytesOfRawProfile(profile) {
            location = exif.withUnsafeBytes(EXIFOrientation.locate(in:))
        }
        if let location { return location.orientation ?? .up }
        return text("XML:com.adobe.xmp")?.withUnsafeBytes(EXIFOrientation.inXMP) ?? .up
    }

    /// The bytes of a raw profile: after three lines of heading, hexadecimal digits in lines. Nil if they are not.
    private static func bytesOfRawProfile(_ text: [UInt8]) -> [UInt8]? {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropFirst(3)
        let digits = lines.joined().compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == lines.reduce(0, { $0 + $1.count }), digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
