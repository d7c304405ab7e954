// SPDX-License-Identifier: MIT

import Checkpoints
import Foundation
import Images
import Testing

/// WebP, HEIC and AVIF against Pillow; the files are made by `Tools/goldens/run formats`.
@Suite("Formats beside PNG and JPEG")
struct FormatTests {
    private static func names(_ ending: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: Goldens.folder.path + "/Formats")) ?? []
        return all.filter { $0.hasSuffix(ending) }.sorted()
    }

    /// Whether the library for a format is on this machine; it is opened when a file of the format first comes.
    private static func reads(_ name: String) -> Bool {
        do {
            _ = try ImageDecoder.decode(Goldens.bytes("Formats/\(name)"))
            return true
        } catch ImageError.missingLibrary {
            return false
        } catch {
            return true
        }
    }

    @Test(
        "WebP has Pillow's pixels, lossy, lossless, with alpha, animated and turned",
        .enabled(if: reads("lossy.webp"), "libwebp7 is not installed"))
    func decodesWebP() throws {
        let table = try Goldens.table("Formats/webp.tsv")
        #expect(table.count >= 16)
        for fields in table {
            let decoded = try ImageDecoder.decode(try Goldens.bytes("Formats/\(fields[0])"))
            let image = decoded.upright.converted(to: .rgb8)
            #expect(decoded.format == .webp)
            #expect([String(image.width), String(image.height)] == [fields[1], fields[2]], "\(fields[0])")
            #expect(SHA256.hexadecimal(of: image.pixels) == fields[3], "\(fields[0])")
        }
    }

    @Test(
        "HEIC and AVIF are within two levels of Pillow's pixels on average, turned as the container asks for",
        .enabled(if: reads("plain.heic") && reads("plain.avif"), "libheif1 is not installed"),
        arguments: names(".heic") + names(".avif"))
    func decodesHEIF(name: String) throws {
        let expected = try ImageDecoder.decode(try Goldens.bytes("Formats/\(name).png")).image
        let decoded = try ImageDecoder.decode(try Goldens.bytes("Formats/\(name)"))
        let image = decoded.upright.converted(to: .rgb8)
        #expect(decoded.format == (name.hasSuffix("heic") ? .heic : .avif))
        try #require((image.width, image.height) == (expected.width, expected.height))
        let sum = zip(image.pixels, expected.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        #expect(Double(sum) / Double(image.pixels.count) <= 2)
    }

    @Test("a cut WebP, HEIC or AVIF file is refused at any length", arguments: ["lossy.webp", "odd.avif", "odd.heic"])
    func refusesTruncation(name: String) throws {
        let bytes = try Goldens.bytes("Formats/\(name)")
        for length in stride(from: 0, to: bytes.count - 1, by: 7) {
            #expect(throws: ImageError.self, "cut to \(length) bytes") {
                try ImageDecoder.decode(Array(bytes.prefix(length)))
            }
        }
    }

    @Test(
        "what is damaged ends in an error or in pixels, never in a trap", arguments: ["alpha.webp", "animation.webp"])
    func survivesDamage(name: String) throws {
        let bytes = try Goldens.bytes("Formats/\(name)")
        for offset in bytes.indices {
            for value: UInt8 in [0, 0x7F, 0xFF] {
                var damaged = bytes
                damaged[offset] = value
                _ = try? ImageDecoder.decode(damaged, limits: ImageLimits(maxPixels: 1 << 16))
            }
        }
    }

    @Test(
        "the limit on pixels holds before any are decoded",
        .enabled(if: reads("plain.heic") && reads("lossy.webp"), "libwebp7 or libheif1 is not installed"),
        arguments: ["lossy.webp", "animation.webp", "plain.heic", "plain.avif"])
    func limitsPixels(name: String) throws {
        #expect {
            try ImageDecoder.decode(Goldens.bytes("Formats/\(name)"), limits: ImageLimits(maxPixels: 500))
        } throws: { error in
            if case ImageError.tooManyPixels = error { true } else { false }
        }
    }

    @Test(
        "what decoding takes is told by the header, as large as the picture is",
        .enabled(if: reads("plain.heic") && reads("lossy.webp"), "libwebp7 or libheif1 is not installed"),
        arguments: names(".webp") + names(".heic") + names(".avif"))
    func costsBeforeDecoding(name: String) throws {
        let bytes = try Goldens.bytes("Formats/\(name)")
        let image = try ImageDecoder.decode(bytes).image
        let cost = ImageCost(of: bytes, reducesRows: true)
        #expect(cost.bytes >= 12 * image.width * image.height)
        #expect(cost.bytes <= 40 * image.width * image.height)
        #expect(cost.pixels >= image.width * image.height)
        // Cut or damaged anywhere it is a number all the same.
        for length in bytes.indices.prefix(600) { _ = ImageCost(of: Array(bytes.prefix(length)), reducesRows: true) }
        for offset in bytes.indices.prefix(600) {
            for value: UInt8 in [0, 0x7F, 0xFF] {
                var damaged = bytes
                damaged[offset] = value
                _ = ImageCost(of: damaged, reducesRows: true)
            }
        }
    }

    @Test("a header of many small boxes, or of boxes within boxes, ends")
    func boxesEnd() {
        let brand: [UInt8] = [0, 0, 0, 16] + Array("ftypheic".utf8) + [0, 0, 0, 0]
        let small: [UInt8] = (0..<200_000).flatMap { _ in [0, 0, 0, 8] + Array("free".utf8) }
        #expect(ImageCost(of: brand + small, reducesRows: true).pixels == 0)
        let size = [UInt8](repeating: 0xFF, count: 4)
        let ispe: [UInt8] = [0, 0, 0, 20] + Array("ispe".utf8) + [0, 0, 0, 0] + size + size
        let ipco: [UInt8] = [0, 0, 0, 28] + Array("ipco".utf8) + ispe
        let iprp: [UInt8] = [0, 0, 0, 36] + Array("iprp".utf8) + ipco
        let meta: [UInt8] = [0, 0, 0, 48] + Array("meta".utf8) + [0, 0, 0, 0] + iprp
        #expect(ImageCost(of: brand + meta, reducesRows: true).bytes == .max)
    }

    @Test("WebP, HEIC and AVIF are not turned, and why is said", arguments: ["lossy.webp", "plain.heic", "plain.avif"])
    func turnsNone(name: String) throws {
        #expect {
            try ImageTurner.turned(Goldens.bytes("Formats/\(name)"), quarterTurnsCounterclockwise: 1)
        } throws: { error in
            "\(error)".contains("it is read, not written")
        }
    }

    @Test(
        "formats that are not read are called by their names",
        arguments: [
            ("GIF89a\u{1}\0\u{1}\0", "a GIF image"), ("II*\0\u{8}\0\0\0", "a TIFF image or raw photo"),
            ("BM\u{3A}\0\0\0\0\0\0\0\u{36}\0\0\0\u{28}\0\0\0", "a BMP image"),
            ("8BPS\0\u{1}", "a Photoshop file (PSD)"),
            ("<?xml version='1.0'?><svg xmlns='x'/>", "an SVG drawing"), ("%PDF-1.7", "a PDF document"),
            ("P6\n1 1\n255\nabc", "a PBM, PGM, PPM or PAM image"),
            ("RIFF\u{10}\0\0\0WAVEfmt ", "a RIFF file, not a WebP image"),
            ("\0\0\0\u{18}ftypcrx \0\0\0\u{1}crx isom", "a Canon raw photo (CR3)"),
            ("\0\0\0\u{18}ftypmp42\0\0\0\0mp42isom", "a film or other file of the MP4 family"),
        ])
    func namesOthers(text: String, name: String) {
        #expect(throws: ImageError.unread(format: name)) { try ImageDecoder.decode(Array(text.utf8)) }
        #expect(ImageError.unread(format: name).description == "\(name), which is not read; convert it to PNG or JPEG")
    }

    @Test("text that begins like a bitmap is none")
    func doubtsBMP() {
        #expect(throws: ImageError.unrecognised(firstBytes: Array("BM is a ".utf8))) {
            try ImageDecoder.decode(Array("BM is a word of two letters".utf8))
        }
    }

    @Test(
        "lossless, hierarchical and JPEG-LS coding are unsupported, not corrupt",
        arguments: [0xC3, 0xC5, 0xC7, 0xCB, 0xF7])
    func namesJPEGCodings(marker: UInt8) throws {
        var bytes = try Goldens.bytes("Pictures/gray-17x31.jpg")
        let frame = try #require(bytes.indices.first { bytes[$0...].starts(with: [0xFF, 0xC0]) })
        bytes[frame + 1] = marker
        #expect {
            try ImageDecoder.decode(bytes)
        } throws: { error in
            "\(error)".hasPrefix("unsupported JPEG image: ")
                && "\(error)".hasSuffix("expected baseline or progressive coding")
        }
    }

    /// Pillow reads the first and refuses the others, whose pictures are whole all the same.
    @Test("a JPEG without an end marker is read if something follows its picture, and refused if the picture is cut")
    func readsJPEGWithoutEnd() throws {
        for name in ["420-64x48.jpg", "420-progressive.jpg"] {
            let whole = try Goldens.bytes("Pictures/\(name)")
            let image = try ImageDecoder.decode(whole).image
            for trailer in [Array("a trailer of text".utf8), [0, 0, 0, 0x18] + Array("ftypmp42".utf8), whole] {
                #expect(try ImageDecoder.decode(whole.dropLast(2) + trailer).image == image)
                #expect(throws: ImageError.self) { try ImageDecoder.decode(whole.dropLast(200) + trailer) }
            }
            #expect(throws: ImageError.truncated(.jpeg, at: whole.count - 2, expected: "the end-of-image marker")) {
                try ImageDecoder.decode(Array(whole.dropLast(2)))
            }
        }
    }
}
