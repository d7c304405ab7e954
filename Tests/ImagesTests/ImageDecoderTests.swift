// SPDX-License-Identifier: MIT

import Checkpoints
import Images
import Testing

@Suite("ImageDecoder")
struct ImageDecoderTests {
    @Test(
        "pictures of every kind become Pillow's pixels, and Pillow's when resized",
        arguments: try Goldens.table("pictures.tsv"))
    func decodesAsPillow(line: [String]) throws {
        let name = line[0]
        let image = try ImageDecoder.decode(try Goldens.bytes("Pictures/\(name)")).upright.converted(to: .rgb8)
        #expect("\(image.width) x \(image.height)" == "\(line[1]) x \(line[2])")
        #expect(SHA256.hexadecimal(of: image.pixels) == line[3])
        #expect(SHA256.hexadecimal(of: image.resized(width: 224, height: 224).pixels) == line[4])
    }

    /// Files that Pillow reads and this library refuses: nothing shows where or whether the picture ends, or what it
    /// would need to be read.
    private static let stricterThanPillow: Set = [
        "exif-empty.png", "no-end-chunk.png", "palette-missing.png", "rows-missing.png", "unknown-critical-chunk.png",
    ]
    /// Files that Pillow refuses only because of what they say beside a sound picture.
    private static let milderThanPillow: Set = ["exif-no-tiff.png"]

    @Test("damage is passed over or refused as Pillow does", arguments: try Goldens.table("damaged.tsv"))
    func treatsDamageAsPillow(line: [String]) throws {
        let bytes = try Goldens.bytes("Damaged/\(line[0])")
        let isRefused = line[1] == "refused"
        if isRefused && !Self.milderThanPillow.contains(line[0]) || Self.stricterThanPillow.contains(line[0]) {
            #expect(throws: ImageError.self) { try ImageDecoder.decode(bytes) }
        } else {
            let image = try ImageDecoder.decode(bytes).image
            #expect(isRefused || SHA256.hexadecimal(of: image.pixels) == line[1])
        }
    }

    @Test("damage that is passed over leaves a warning")
    func warns() throws {
        let warning = { (path: String) throws in try ImageDecoder.decode(try Goldens.bytes(path)).warning }
        #expect(try warning("Damaged/scan-cut-short.jpg") == "Corrupt JPEG data: premature end of data segment")
        #expect(try warning("Pictures/420-17x31.jpg") == nil)
    }

    @Test(
        "a file cut at any length is refused",
        arguments: [
            "rgb-8.png", "palette-4-interlaced.png", "gray-16.png", "annotated.png", "420-17x31.jpg",
            "420-progressive.jpg", "exif-6.jpg", "cmyk.jpg", "gray-restarts.jpg",
        ])
    func refusesEveryTruncation(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        for length in 0..<bytes.count {
            #expect(throws: ImageError.self, "cut to \(length) bytes") {
                try ImageDecoder.decode(Array(bytes.prefix(length)))
            }
        }
    }

    @Test(
        "a changed byte never traps",
        arguments: ["rgb-8.png", "palette-4-interlaced.png", "420-17x31.jpg", "exif-6.jpg"])
    func survivesChangedBytes(name: String) throws {
        let bytes = try Goldens.bytes("Pictures/\(name)")
        for offset in bytes.indices {
            for change in [UInt8(0x01), 0x80, 0xFF] {
                var changed = bytes
                changed[offset] ^= change
                _ = try? ImageDecoder.decode(changed, limits: ImageLimits(maxPixels: 1 << 20))
            }
        }
    }

    @Test("a changed byte of a PNG chunk is noticed by its checksum")
    func refusesWrongChecksums() throws {
        let bytes = try Goldens.bytes("Pictures/annotated.png")
        for offset in 8..<bytes.count {
            var changed = bytes
            changed[offset] ^= 0x01
            #expect(throws: ImageError.self, "byte \(offset)") { try ImageDecoder.decode(changed) }
        }
    }

    @Test("huge sizes are refused before memory is taken", arguments: ["rgb-8.png", "420-17x31.jpg"])
    func refusesHugeHeaders(name: String) throws {
        var bytes = try Goldens.bytes("Pictures/\(name)")
        if name.hasSuffix(".png") {
            bytes.replaceSubrange(16..<24, with: [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60])
        } else {
            let frame = try #require(bytes.indices.first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
            bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0xEA, 0x60, 0xEA, 0x60])
        }
        let expected = ImageError.tooManyPixels(width: 60_000, height: 60_000, maxPixels: ImageLimits().maxPixels)
        #expect(throws: expected) { try ImageDecoder.decode(bytes) }
    }

    @Test("sizes beyond all arithmetic are refused whatever the limit")
    func refusesOverflowingHeaders() throws {
        var bytes = try Goldens.bytes("Pictures/rgba-16.png")
        bytes.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
        let side = Int(Int32.max)
        let expected = ImageError.tooManyPixels(width: side, height: side, maxPixels: ImageLimits.greatestPixels)
        #expect(throws: expected) { try ImageDecoder.decode(bytes, limits: ImageLimits(maxPixels: .max)) }
    }

    @Test("limits are named in the message")
    func namesLimits() throws {
        let bytes = try Goldens.bytes("Pictures/rgb-8.png")
        let pixels = #expect(throws: ImageError.self) {
            try ImageDecoder.decode(bytes, limits: ImageLimits(maxPixels: 593))
        }
        #expect(pixels?.description.contains("limit of 593 (maxPixels)") == true)
        let length = #expect(throws: ImageError.self) {
            try ImageDecoder.decode(bytes, limits: ImageLimits(maxBytes: bytes.count - 1))
        }
        #expect(length == .tooManyBytes(actual: bytes.count, maxBytes: bytes.count - 1))
        #expect(throws: Never.self) {
            try ImageDecoder.decode(bytes, limits: ImageLimits(maxPixels: 594, maxBytes: bytes.count))
        }
    }

    @Test("endless segments and chunks are refused before they fill the memory")
    func refusesFloods() throws {
        var jpeg = try Goldens.bytes("Pictures/420-17x31.jpg")
        jpeg.insert(contentsOf: Array(repeatElement([0xFF, 0xE0, 0, 2], count: 20_000).joined()), at: 2)
        let reason = "it has more than 16384 segments (maxSegments)"
        #expect(throws: ImageError.corrupt(.jpeg, reason: reason)) { try ImageDecoder.decode(jpeg) }
        var png = try Goldens.bytes("Pictures/rgb-8.png")
        let emptyData: [UInt8] = [0, 0, 0, 0] + Array("IDAT".utf8) + [0x35, 0xAF, 0x06, 0x1E]
        png.insert(contentsOf: Array(repeatElement(emptyData, count: 270_000).joined()), at: 33)
        let chunks = "it has more than 262144 chunks (maxChunks)"
        #expect(throws: ImageError.corrupt(.png, reason: chunks)) { try ImageDecoder.decode(png) }
    }

    @Test("what is no image is said to be none")
    func refusesOtherFiles() {
        #expect(throws: ImageError.empty) { try ImageDecoder.decode([]) }
        #expect(throws: ImageError.unread(format: "a GIF image")) { try ImageDecoder.decode(Array("GIF89a".utf8)) }
        #expect(throws: ImageError.unrecognised(firstBytes: [0xFF, 0xD8])) { try ImageDecoder.decode([0xFF, 0xD8]) }
        let text = ImageError.unrecognised(firstBytes: Array("hello".utf8)).description
        #expect(text.contains("it begins with \"hello\""))
    }

    @Test("transparency becomes alpha")
    func keepsTransparency() throws {
        for name in ["gray-1-transparent.png", "gray-8-transparent.png", "gray-16-transparent.png"] {
            #expect(
                try ImageDecoder.decode(try Goldens.bytes("Pictures/\(name)")).image.format == .grayAlpha8, "\(name)")
        }
        let colored = try ImageDecoder.decode(try Goldens.bytes("Pictures/rgb-8-transparent.png")).image
        #expect(colored.format == .rgba8)
        let alphas = Set(stride(from: 3, to: colored.pixels.count, by: 4).map { colored.pixels[$0] })
        #expect(alphas == [0, 255])
        let palette = try ImageDecoder.decode(try Goldens.bytes("Pictures/palette-2-transparent.png")).image
        let opacities = Set(stride(from: 3, to: palette.pixels.count, by: 4).map { palette.pixels[$0] })
        #expect(opacities.subtracting([0, 37, 255]).isEmpty && opacities.count > 1)
    }

    @Test("16-bit grey is clipped as Pillow does, or keeps its high byte")
    func convertsGray16() throws {
        let bytes = try Goldens.bytes("Pictures/gray-16.png")
        let clipped = try ImageDecoder.decode(bytes).image
        let high = try ImageDecoder.decode(bytes, gray16: .highByte).image
        #expect(zip(clipped.pixels, high.pixels).allSatisfy { $0 == 255 || $1 == 0 })
        #expect(Set(high.pixels).count > 100)
    }
}
