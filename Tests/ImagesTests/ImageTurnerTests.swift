// SPDX-License-Identifier: MIT

import Images
import Testing

@Suite("ImageTurner")
struct ImageTurnerTests {
    private static let pngs =
        ["gray-1", "gray-2", "gray-4", "gray-8", "gray-16", "rgb-8", "rgb-16"]
        .flatMap { ["\($0).png", "\($0)-interlaced.png", "\($0)-transparent.png"] }
        + ["palette-1", "palette-2", "palette-4", "palette-8"].flatMap { ["\($0).png", "\($0)-transparent.png"] }
        + ["gray-alpha-8.png", "gray-alpha-16.png", "rgba-8.png", "rgba-16.png", "gray-1-3x5.png", "rgb-8-1x1.png"]

    @Test("a PNG keeps every pixel, its bit depth and its colour type", arguments: pngs)
    func turnsPNG(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        let image = try ImageDecoder.decode(bytes, gray16: .highByte).image
        for turns in 1...3 {
            let file = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: turns)
            #expect(file.change == .lossless)
            #expect(try ImageDecoder.decode(file.bytes, gray16: .highByte).image == image.turned(turns))
            #expect(file.bytes[24..<26] == bytes[24..<26])
        }
        #expect(try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 4).isUnchanged(from: bytes))
    }

    @Test(
        "a PNG is turned beyond what its orientation asks for, and then says that it is upright",
        arguments: (2...8).map { "exif-\($0).png" } + [
            "exif-after-data.png", "raw-profile-text.png", "raw-profile-packed.png", "xmp.png", "xmp-packed.png",
            "xmp-and-exif.png",
        ])
    func turnsOrientedPNG(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        let upright = try ImageDecoder.decode(bytes).upright
        for turns in 0...3 {
            let file = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: turns)
            let decoded = try ImageDecoder.decode(file.bytes)
            #expect(decoded.orientation == .up)
            #expect(decoded.image == upright.turned(turns))
        }
    }

    @Test("a PNG keeps the chunks beside its picture, and swaps the pixel's sides")
    func keepsChunks() throws {
        let bytes = try Goldens.bytes("Pictures/annotated.png")
        let turned = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 1).bytes
        for name in ["gAMA", "cHRM", "iCCP", "tEXt", "prVt"] {
            let chunk = try #require(PNGFile(bytes).chunk(name))
            #expect(PNGFile(turned).chunk(name) == chunk, "\(name)")
        }
        #expect(PNGFile(turned).chunk("pHYs") == PNGFile(bytes).chunk("pHYs"))
        var wide = bytes
        let density = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("pHYs".utf8)) })
        wide.replaceSubrange((density + 4)..<(density + 8), with: [0, 0, 1, 0])
        wide.replaceSubrange((density + 13)..<(density + 17), with: CRC32.bytes(of: wide[density..<(density + 13)]))
        let swapped = try ImageTurner.turned(wide, quarterTurnsCounterclockwise: 1).bytes
        #expect(PNGFile(swapped).chunk("pHYs")?.dropFirst(8).prefix(9) == [0, 0, 0x0B, 0x13, 0, 0, 1, 0, 1])
    }

    @Test("an animated PNG is refused")
    func refusesAnimation() throws {
        var bytes = try Goldens.bytes("Pictures/rgb-8.png")
        let control: [UInt8] = Array("acTL".utf8) + [0, 0, 0, 1, 0, 0, 0, 0]
        bytes.insert(contentsOf: [0, 0, 0, 8] + control + CRC32.bytes(of: control[...]), at: 33)
        #expect(throws: ImageError.unsupported(.png, reason: "an animation cannot be turned")) {
            try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 1)
        }
    }

    private static let wholeBlocks = ["444", "422", "420", "gray", "440", "411"].map { "\($0)-64x48.jpg" }

    @Test(
        "a JPEG of whole blocks keeps every coefficient: turned on and back, it has the same pixels",
        arguments: wholeBlocks)
    func turnsJPEG(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        let image = try ImageDecoder.decode(bytes).image
        for orientation in EXIFOrientation.allCases where orientation != .up {
            let file = try ImageTurner.turned(bytes.withEXIF(orientation), quarterTurnsCounterclockwise: 0)
            #expect(file.change == .lossless)
            let turned = try ImageDecoder.decode(file.bytes)
            #expect(turned.orientation == .up)
            #expect(largestDifference(turned.image, image.oriented(by: orientation)) <= 6)
            // TurboJPEG writes 4:1:1 turned by a quarter, but turns no such file.
            if name.hasPrefix("411"), orientation.rawValue > 4 { continue }
            // 5 and 7 undo themselves; so do 2, 3 and 4; 6 and 8 undo each other.
            let inverse = EXIFOrientation(rawValue: [6: 8, 8: 6][orientation.rawValue] ?? orientation.rawValue)
            let back = try ImageTurner.turned(
                file.bytes.withEXIF(try #require(inverse)), quarterTurnsCounterclockwise: 0)
            #expect(try ImageDecoder.decode(back.bytes).image == image, "\(orientation)")
        }
    }

    @Test("turns add to what EXIF asks for")
    func addsTurns() throws {
        let bytes = try Goldens.bytes("Pictures/420-64x48.jpg").withEXIF(.right)
        let upright = try ImageDecoder.decode(bytes).upright
        for turns in 0...3 {
            let decoded = try ImageDecoder.decode(
                try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: turns).bytes)
            #expect(largestDifference(decoded.image, upright.turned(turns)) <= 6)
            #expect(decoded.orientation == .up)
        }
        let still = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 1)
        #expect(still.change == .orientationOnly)
        #expect(still.bytes == (try Goldens.bytes("Pictures/420-64x48.jpg").withEXIF(.up)))
    }

    @Test("a JPEG that is upright and says so stays as it is, byte for byte")
    func leavesUprightJPEG() throws {
        for name in ["420-17x31.jpg", "exif-1.jpg", "comment.jpg", "trailing-bytes.jpg"] {
            let bytes = try Goldens.bytes("Pictures/\(name)")
            #expect(try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 0).isUnchanged(from: bytes))
        }
    }

    @Test(
        "a JPEG with partial blocks keeps its size and sampling, and at least its quality, when it is encoded again",
        arguments: [
            "420-17x31.jpg", "444-17x31.jpg", "gray-17x31.jpg", "quality-5.jpg", "quality-50.jpg", "quality-100.jpg",
        ])
    func reencodes(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        let file = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 2)
        #expect(file.change == .reencoded)
        let expected = try ImageDecoder.decode(bytes).image.turned(2)
        let result = try ImageDecoder.decode(file.bytes).image
        #expect((result.width, result.height) == (expected.width, expected.height))
        let sum = zip(result.pixels, expected.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        #expect(sum <= 8 * expected.pixels.count)
        let tables = (old: JPEGFile(bytes).segments(0xDB), new: JPEGFile(file.bytes).segments(0xDB))
        #expect(zip(tables.old.joined(), tables.new.joined()).allSatisfy { $0 >= $1 })
        #expect(name != "quality-100.jpg" || tables.old == tables.new)
        #expect(JPEGFile(file.bytes).segments(0xC0) == JPEGFile(bytes).segments(0xC0))
    }

    @Test("a sampling that cannot be turned in its coefficients is encoded again")
    func reencodesUnknownSampling() throws {
        let bytes = try Goldens.bytes("Pictures/411-64x48.jpg")
        let turned = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 1)
        let back = try ImageTurner.turned(turned.bytes, quarterTurnsCounterclockwise: 3)
        #expect((turned.change, back.change) == (.lossless, .reencoded))
        let image = try ImageDecoder.decode(back.bytes).image
        #expect((image.width, image.height) == (64, 48))
    }

    @Test("a JPEG with partial blocks can be trimmed or refused")
    func trimsOrRefuses() throws {
        let bytes = try Goldens.bytes("Pictures/420-17x31.jpg")
        let file = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 2, options: .init(partialBlocks: .trim))
        #expect(file.change == .trimmed)
        let trimmed = try ImageDecoder.decode(file.bytes).image
        #expect((trimmed.width, trimmed.height) == (16, 16))
        #expect(throws: ImageError.partialBlocks(width: 17, height: 31, blockWidth: 16, blockHeight: 16)) {
            try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 2, options: .init(partialBlocks: .refuse))
        }
    }

    @Test(
        "a JPEG keeps its segments, turned without loss or encoded again",
        arguments: ["420-64x48.jpg", "420-17x31.jpg"])
    func keepsSegments(name: String) throws {
        let comment: [UInt8] = [0xFF, 0xFE, 0, 11] + Array("a comment".utf8)
        let profile: [UInt8] = [0xFF, 0xE2, 0, 20] + Array("ICC_PROFILE\0".utf8) + [1, 1, 0, 0, 0, 0]
        var bytes = try Goldens.bytes("Pictures/\(name)")
        bytes.insert(contentsOf: comment + profile, at: 2)
        let turned = try ImageTurner.turned(bytes.withEXIF(.right), quarterTurnsCounterclockwise: 1)
        let further = try ImageTurner.turned(bytes.withEXIF(.left), quarterTurnsCounterclockwise: 1)
        for file in [turned, further] {
            #expect(JPEGFile(file.bytes).segments(0xFE) == [comment])
            #expect(JPEGFile(file.bytes).segments(0xE2) == [profile])
            #expect(JPEGFile(file.bytes).segments(0xE1).count == 1)
            #expect(try ImageDecoder.decode(file.bytes).orientation == .up)
        }
    }

    @Test(
        "XMP and EXIF in two segments are set upright too",
        arguments: ["xmp.jpg", "xmp-element.jpg", "exif-in-two-segments.jpg", "exif-big-endian.jpg"])
    func setsUpright(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        #expect(try ImageDecoder.decode(bytes).orientation != .up)
        let file = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 0, options: .init(partialBlocks: .trim))
        #expect(try ImageDecoder.decode(file.bytes).orientation == .up)
    }

    @Test("a progressive JPEG stays progressive")
    func keepsProgression() throws {
        let bytes = try Goldens.bytes("Pictures/420-progressive.jpg")
        for partialBlocks in [PartialBlocks.trim, .reencode] {
            let file = try ImageTurner.turned(
                bytes, quarterTurnsCounterclockwise: 1, options: .init(partialBlocks: partialBlocks))
            #expect(JPEGFile(file.bytes).segments(0xC2).count == 1)
        }
    }

    @Test("CMYK is turned in its coefficients, and with partial blocks only trimmed")
    func turnsCMYK() throws {
        let bytes = try Goldens.bytes("Pictures/cmyk.jpg")
        #expect(throws: ImageError.self) { try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 2) }
        let file = try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: 2, options: .init(partialBlocks: .trim))
        let expected = try ImageDecoder.decode(bytes).image.cropped(x: 0, y: 0, width: 32, height: 24).turned(2)
        #expect(largestDifference(try ImageDecoder.decode(file.bytes).image, expected) <= 6)
    }

    @Test("a file cut at any length is refused", arguments: ["420-64x48.jpg", "420-17x31.jpg", "palette-4.png"])
    func refusesTruncation(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        for length in 0..<bytes.count {
            #expect(throws: ImageError.self, "cut to \(length) bytes") {
                try ImageTurner.turned(Array(bytes.prefix(length)), quarterTurnsCounterclockwise: 1)
            }
        }
    }

    /// The largest difference of two samples; 256 where the pictures differ in size.
    private func largestDifference(_ first: Image, _ second: Image) -> Int {
        guard (first.width, first.height, first.format) == (second.width, second.height, second.format) else {
            return 256
        }
        return zip(first.pixels, second.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }
}

extension TurnedFile {
    /// Whether the file was left alone.
    fileprivate func isUnchanged(from bytes: [UInt8]) -> Bool { change == .none && self.bytes == bytes }
}

extension [UInt8] {
    /// The JPEG file with an EXIF segment that holds only an orientation, in place of any it had first.
    fileprivate func withEXIF(_ orientation: EXIFOrientation) -> [UInt8] {
        let data: [UInt8] =
            Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0]
            + [UInt8(orientation.rawValue), 0, 0, 0, 0, 0, 0, 0]
        let segment: [UInt8] = [0xFF, 0xE1, 0, UInt8(data.count + 2)] + data
        var rest = Array(dropFirst(2))
        while let range = rest.firstRange(of: segment.prefix(20)) {
            rest.removeSubrange(range.lowerBound..<(range.lowerBound + segment.count))
        }
        return prefix(2) + segment + rest
    }
}

/// The chunks of a PNG file, found without the library's own reader.
private struct PNGFile {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The first chunk of a name: length, name, data, checksum.
    func chunk(_ name: String) -> [UInt8]? {
        var offset = 8
        while offset + 12 <= bytes.count {
            let length = bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
            let whole = offset..<(offset + 12 + length)
            if String(decoding: bytes[(offset + 4)..<(offset + 8)], as: UTF8.self) == name {
                return Array(bytes[whole])
            }
            offset = whole.upperBound
        }
        return nil
    }
}

/// The segments of a JPEG file before its first scan, found without the library's own reader.
private struct JPEGFile {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// All segments of one marker, with marker and length.
    func segments(_ marker: UInt8) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var offset = 2
        while offset + 4 <= bytes.count, bytes[offset + 1] != 0xDA {
            let end = offset + 2 + Int(bytes[offset + 2]) << 8 + Int(bytes[offset + 3])
            if bytes[offset + 1] == marker { found.append(Array(bytes[offset..<end])) }
            offset = end
        }
        return found
    }
}

/// The checksum of PNG chunks, bit by bit.
private enum CRC32 {
    static func bytes(of data: ArraySlice<UInt8>) -> [UInt8] {
        var state = UInt32.max
        for byte in data {
            state ^= UInt32(byte)
            for _ in 0..<8 { state = state & 1 == 0 ? state >> 1 : state >> 1 ^ 0xEDB8_8320 }
        }
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: ~state >> $0) }
    }
}
