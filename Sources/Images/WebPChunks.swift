// SPDX-License-Identifier: MIT

/// The chunks of a WebP file that are not libwebp's to read: orientation, and the first picture of an animation.
///
/// - Source: RFC 9649, section 2.
struct WebPChunks {
    /// One chunk: its name and where its data lie.
    struct Chunk {
        var name: String
        var data: Range<Int>
    }

    /// The first picture of an animation, and where on the canvas it lies.
    struct Frame {
        /// A WebP file of the picture only.
        var file: [UInt8]
        var x: Int
        var y: Int
    }

    let chunks: [Chunk]
    private static let headerBytes = 12

    static func isWebP(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= headerBytes && bytes.starts(with: Array("RIFF".utf8)) && bytes[8..<12].elementsEqual("WEBP".utf8)
    }

    /// - Throws: `ImageError.truncated` where the file is shorter than it says.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        let stated = bytes.unsigned(at: 4, bytes: 4, littleEndian: true).map { Int($0) + 8 } ?? .max
        guard stated <= bytes.count else {
            throw .truncated(.webp, at: bytes.count, expected: "byte \(stated), the last one")
        }
        chunks = Self.chunks(bytes, in: Self.headerBytes..<max(Self.headerBytes, stated))
    }

    private static func chunks(_ bytes: UnsafeRawBufferPointer, in range: Range<Int>) -> [Chunk] {
        var chunks: [Chunk] = []
        var position = range.lowerBound
        while position <= range.upperBound - 8, chunks.count < 65_536,
            let size = bytes.unsigned(at: position + 4, bytes: 4, littleEndian: true)
        {
            let data = (position + 8)..<(position + 8 + Int(size))
            guard data.upperBound <= range.upperBound else { break }
            chunks.append(Chunk(name: String(decoding: bytes[position..<(position + 4)], as: UTF8.self), data: data))
            position = data.upperBound + data.count % 2
        }
        return chunks
    }

    /// The first chunk of a name.
    func chunk(_ name: String) -> Chunk? { chunks.first { $0.name == name } }

    /// The sides that the header states, of the canvas if there is one; nil where it states none.
    func size(in bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        guard let first = chunks.first else { return nil }
        func number(_ offset: Int, _ count: Int) -> Int? {
            guard offset + count <= first.data.count else { return nil }
            return bytes.unsigned(at: first.data.lowerBound + offset, bytes: count, littleEndian: true).map { Int($0) }
        }
        switch first.name {
        case "VP8X":
            guard let width = number(4, 3), let height = number(7, 3) else { return nil }
            return (width + 1, height + 1)
        case "VP8L":
            guard let sides = number(1, 4) else { return nil }
            return (sides & 0x3FFF + 1, sides >> 14 & 0x3FFF + 1)
        case "VP8 ":
            guard let width = number(6, 2), let height = number(8, 2) else { return nil }
            return (width & 0x3FFF, height & 0x3FFF)
        default: return nil
        }
    }

    /// The orientation that EXIF asks for, or else XMP.
    func orientation(in bytes: UnsafeRawBufferPointer) -> EXIFOrientation {
        let exif = chunk("EXIF").map { UnsafeRawBufferPointer(rebasing: bytes[$0.data]) }
        if let location = exif.flatMap(EXIFOrientation.locate(in:)) { return location.orientation ?? .up }
        let xmp = chunk("XMP ").map { UnsafeRawBufferPointer(rebasing: bytes[$0.data]) }
        return xmp.flatMap(EXIFOrientation.inXMP) ?? .up
    }

    /// The first picture of an animation.
    ///
    /// - Throws: `ImageError.corrupt` if there is none.
    func firstFrame(in bytes: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
        guard let animated = chunk("ANMF"), animated.data.count >= 16 else {
            throw .corrupt(.webp, reason: "the animation has no picture")
        }
        let start = animated.data.lowerBound
        let number = { (offset: Int) in
            Int(bytes.unsigned(at: start + offset, bytes: 3, littleEndian: true) ?? 0)
        }
        let inner = Self.chunks(bytes, in: (start + 16)..<animated.data.upperBound)
        guard let picture = inner.first(where: { $0.name == "VP8 " || $0.name == "VP8L" }) else {
            throw .corrupt(.webp, reason: "the animation's first picture is missing")
        }
        var body = Array("WEBP".utf8)
        if let alpha = inner.first(where: { $0.name == "ALPH" }), picture.name == "VP8 " {
            let sides = Array(bytes[(start + 6)..<(start + 12)])
            body += Array("VP8X".utf8) + [10, 0, 0, 0, 0x10, 0, 0, 0] + sides
            body += Self.whole(alpha, bytes)
        }
        body += Self.whole(picture, bytes)
        let size = (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) }
        return Frame(file: Array("RIFF".utf8) + size + body, x: number(0) * 2, y: number(3) * 2)
    }

    /// A chunk with its name and size, and the byte that makes it even.
    private static func whole(_ chunk: Chunk, _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        bytes[(chunk.data.lowerBound - 8)..<chunk.data.upperBound] + (chunk.data.count.isMultiple(of: 2) ? [] : [0])
    }
}
