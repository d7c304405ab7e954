// SPDX-License-Identifier: MIT

/// Where a PNG file keeps an orientation: an eXIf chunk, ImageMagick's hexadecimal text chunk, or XMP text.
struct PNGOrientation {
    /// The orientation of the first of these that has one; `.up` where none can be read.
    let orientation: EXIFOrientation
    /// Whether EXIF data state an orientation, rather than XMP or nothing.
    let isInEXIF: Bool
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
        isInEXIF = location != nil
        self.texts = texts
    }

    /// A text chunk, not packed, whose EXIF data or XMP were changed; nil if it holds neither.
    ///
    /// - Parameters:
    ///   - data: The chunk as it is; its keyword tells which text it holds.
    ///   - changeEXIF: Gives the new EXIF data; nil to leave them.
    ///   - changeXMP: Changes the XMP.
    func changedText(
        _ data: UnsafeRawBufferPointer, changeEXIF: ([UInt8]) -> [UInt8]?, changeXMP: (inout XMPText) -> Void
    ) -> (type: String, data: [UInt8])? {
        let keyword = String(decoding: data.prefix { $0 != 0 }, as: UTF8.self)
        guard let text = texts.last(where: { $0.keyword == keyword })?.text else { return nil }
        switch keyword {
        case Self.profileKeyword:
            guard let exif = Self.bytes(ofProfile: text).flatMap(changeEXIF) else { return nil }
            return ("tEXt", Array(keyword.utf8) + [0] + Self.profile(of: exif))
        case Self.xmpKeyword:
            var xmp = XMPText(text)
            changeXMP(&xmp)
            return xmp.bytes == text ? nil : ("iTXt", Array(keyword.utf8) + [0, 0, 0, 0, 0] + xmp.bytes)
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
