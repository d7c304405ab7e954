// SPDX-License-Identifier: MIT

/// A packet of XMP whose numbers can be changed, without a reader of XML: properties are found by their names.
struct XMPText {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Where the values of a property stand: `name="value"`, `name='value'` or `<name>value</name>`.
    func values(of name: String) -> [Range<Int>] {
        let pattern = Array(name.utf8)
        var ranges: [Range<Int>] = []
        var position = 0
        while let found = bytes.withUnsafeBytes({ $0.firstOffset(of: pattern, from: position) }) {
            position = found + pattern.count
            let isWhole = found == 0 || !Self.isNameByte(bytes[found - 1])
            guard isWhole, position + 1 < bytes.count else { continue }
            var first = position
            let end: UInt8
            switch (bytes[first], bytes[first + 1]) {
            case (UInt8(ascii: "="), UInt8(ascii: "\"")): (first, end) = (first + 2, UInt8(ascii: "\""))
            case (UInt8(ascii: "="), UInt8(ascii: "'")): (first, end) = (first + 2, UInt8(ascii: "'"))
            case (UInt8(ascii: ">"), _): (first, end) = (first + 1, UInt8(ascii: "<"))
            default: continue
            }
            guard let last = bytes[first...].firstIndex(of: end) else { break }
            ranges.append(first..<last)
        }
        return ranges
    }

    /// The whole numbers of a property, in order; what is no number is left out.
    func numbers(of name: String) -> [Int] { values(of: name).compactMap { Int(text($0)) } }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Sets the values of a property where it is there; `new` gives each from the one before, nil to leave it.
    mutating func set(_ name: String, _ new: (String) -> String?) {
        for range in values(of: name).reversed() {
            if let value = new(text(range)) { bytes.replaceSubrange(range, with: Array(value.utf8)) }
        }
    }

    /// States an orientation where one is stated.
    mutating func setOrientation(_ orientation: EXIFOrientation) {
        if let digit = bytes.withUnsafeBytes(EXIFOrientation.digitInXMP) {
            bytes[digit] = UInt8(ascii: "0") + UInt8(orientation.rawValue)
        }
    }

    /// Lets orientation and sizes follow the picture's turn.
    mutating func follow(_ turn: EXIFBlock.Turn) {
        setOrientation(.up)
        for (width, height) in [
            ("tiff:ImageWidth", "tiff:ImageLength"), ("exif:PixelXDimension", "exif:PixelYDimension"),
        ] {
            set(width) { _ in String(turn.newSize.width) }
            set(height) { _ in String(turn.newSize.height) }
        }
    }

    /// Takes back what it says of pictures and films that follow the first picture.
    mutating func forgetExtras() {
        for name in ["GCamera:MotionPhoto", "GCamera:MicroVideo", "Camera:MotionPhoto", "Camera:MicroVideo"] {
            set(name) { _ in "0" }
        }
        for name in ["Container:Directory", "GContainer:Directory"] {
            guard let first = offset(of: "<\(name)", from: 0), let last = offset(of: "</\(name)>", from: first) else {
                continue
            }
            bytes.removeSubrange(first..<(last + name.utf8.count + 3))
        }
        if let name = offset(of: "xmpNote:HasExtendedXMP=\"", from: 0),
            let end = bytes[(name + 24)...].firstIndex(of: UInt8(ascii: "\""))
        {
            bytes.removeSubrange(name...end)
        }
    }

    /// Whether a depth map stands in the text itself.
    var holdsDepthMap: Bool { !values(of: "GDepth:Format").isEmpty || !values(of: "GDepth:Mime").isEmpty }

    /// What the text says of the files that follow the picture, in order; the picture itself is the first.
    ///
    /// - Source: Ultra HDR image format 1.1; Motion Photo format 1.0, "Container".
    var containerItems: [(mediaType: String, length: Int, padding: Int)] {
        var items: [(mediaType: String, length: Int, padding: Int)] = []
        var position = 0
        while let mime = offset(of: "Item:Mime=", from: position) {
            position = mime + 1
            guard let start = bytes[..<mime].lastIndex(of: UInt8(ascii: "<")),
                let end = bytes[mime...].firstIndex(of: UInt8(ascii: ">"))
            else { break }
            let tag = XMPText(Array(bytes[start...end]))
            guard let type = tag.values(of: "Item:Mime").first else { continue }
            items.append(
                (
                    tag.text(type), max(0, tag.numbers(of: "Item:Length").first ?? 0),
                    max(0, tag.numbers(of: "Item:Padding").first ?? 0)
                ))
        }
        return items
    }

    private func offset(of text: String, from position: Int) -> Int? {
        bytes.withUnsafeBytes { $0.firstOffset(of: Array(text.utf8), from: position) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == UInt8(ascii: ":")
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
