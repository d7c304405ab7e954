// SPDX-License-Identifier: MIT

/// Where a PNG file keeps an orientation: an eXIf chunk, ImageMagick's hexadecimal text chunk, or XMP text.
struct PNGOrientation {
    /// The orientation of the first of these that has one; `.up` where none can be read.
    let orientation: EXIFOrientation
    private let texts: [(keyword: String, text: [UInt8])]

    private static let profileKeyword = "Raw profile type exif"
    private static let xmpKeyword = "XML:com.adobe.xmp"

    /// - Parameter texts: Keyword and unpacked text of each text chunk.
    init(in bytes: UnsafeRawBufferPointer, chunks: PNGChunks, texts: [(keyword: String, text: [UInt8])]) {
        let text = { (keyword: String) in texts.last { $0.keyword == keyword }?.text }
        var location: EXIFOrientation.Location?
        if let chunk = chunks.chunks.last(where: { $0.type == "eXIf" }) {
            location = EXIFOrientation.locate(in: UnsafeRawBufferPointer(rebasing: bytes[chunk.data]))
        } else if let profile = text(Self.profileKeyword), let exif = Self.bytes(ofProfile: profile) {
            location = exif.withUnsafeBytes(EXIFOrientation.locate(in:))
        }
        let xmp = text(Self.xmpKeyword)?.withUnsafeBytes(EXIFOrientation.inXMP)
        orientation = (location == nil ? xmp : location?.orientation) ?? .up
        self.texts = texts
    }

    /// EXIF data that say "upright" where they said anything; nil if they did not.
    static func uprightEXIF(_ data: [UInt8]) -> [UInt8]? {
        guard let location = data.withUnsafeBytes(EXIFOrientation.locate(in:)) else { return nil }
        let value = location.bytesOfUp
        var result = data
        result.replaceSubrange(location.offset..<(location.offset + value.count), with: value)
        return result
    }

    /// A text chunk, not packed, that says "upright" where it said anything; nil if it did not.
    ///
    /// - Parameter data: The chunk as it is; its keyword tells which text it holds.
    func uprightText(_ data: UnsafeRawBufferPointer) -> (type: String, data: [UInt8])? {
        let keyword = String(decoding: data.prefix { $0 != 0 }, as: UTF8.self)
        guard var text = texts.last(where: { $0.keyword == keyword })?.text else { return nil }
        switch keyword {
        case Self.profileKeyword:
            guard let exif = Self.bytes(ofProfile: text).flatMap(Self.uprightEXIF) else { return nil }
            return ("tEXt", Array(keyword.utf8) + [0] + Self.profile(of: exif))
        case Self.xmpKeyword:
            guard let digit = text.withUnsafeBytes(EXIFOrientation.digitInXMP) else { return nil }
            text[digit] = UInt8(ascii: "1")
            return ("iTXt", Array(keyword.utf8) + [0, 0, 0, 0, 0] + text)
        default:
            return nil
        }
    }

    /// The bytes of a raw profile: after three lines of heading, hexadecimal digits in lines. Nil if they are not.
    private static func bytes(ofProfile text: [UInt8]) -> [UInt8]? {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropFirst(3)
        let digits = lines.joined().compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == lines.reduce(0, { $0 + $1.count }), digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// A raw profile of EXIF data: an empty line, its name, its length, and lines of 72 hexadecimal digits.
    private static func profile(of exif: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("\nexif\n\(exif.count)\n".utf8)
        for (index, byte) in exif.enumerated() {
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            if index % 36 == 35 || index == exif.count - 1 { text.append(UInt8(ascii: "\n")) }
        }
        return text
    }
}
