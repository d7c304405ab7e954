// SPDX-License-Identifier: MIT

import Images
import Testing

/// What a photo's file says of its picture, after that was turned.
@Suite("Metadata of turned photos")
struct PhotoMetadataTests {
    /// A picture without symmetry.
    private func picture(_ width: Int, _ height: Int) throws -> Image {
        let pixels = (0..<(width * height)).flatMap { index -> [UInt8] in
            [UInt8(index % width * 255 / width), UInt8(index / width * 255 / height), index % width < 8 ? 255 : 0]
        }
        return try Image(width: width, height: height, format: .rgb8, pixels: pixels)
    }

    private func photo(orientation: EXIFOrientation = .up, previewSide: Int = 32) throws -> (jpeg: [UInt8], EXIFData) {
        var data = EXIFData()
        data.picture = [0x112: [UInt32(orientation.rawValue)], 0x100: [96], 0x101: [64]]
        data.exif = [0xA002: [96], 0xA003: [64], 0x9214: [10, 20, 8, 4]]
        data.preview = [0x103: [6]]
        data.previewJPEG = try ImageEncoder.jpeg(try picture(previewSide * 3 / 2, previewSide), quality: 90)
        return (data.inserted(into: try ImageEncoder.jpeg(try picture(96, 64), quality: 95)), data)
    }

    private func isClose(_ first: Image, _ second: Image, by limit: Int = 24) -> Bool {
        (first.width, first.height) == (second.width, second.height)
            && zip(first.pixels, second.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
                <= limit * first.pixels.count / 4
    }

    @Test("sizes, the subject's place and the preview follow every turn", arguments: EXIFOrientation.allCases, 0...3)
    func follows(orientation: EXIFOrientation, turns: Int) throws {
        let (jpeg, before) = try photo(orientation: orientation)
        let file = try ImageTurner.turned(jpeg, quarterTurnsCounterclockwise: turns)
        if file.change == .none { return }
        #expect(file.losses.isEmpty)
        let after = try #require(EXIFData(in: file.bytes))
        let image = try ImageDecoder.decode(file.bytes).image
        #expect(after.picture[0x112] == [1])
        let size = file.change == .orientationOnly ? [96, 64] : [UInt32(image.width), UInt32(image.height)]
        #expect([after.exif[0xA002], after.exif[0xA003]] == [[size[0]], [size[1]]])
        #expect([after.picture[0x100], after.picture[0x101]] == [[size[0]], [size[1]]])
        let preview = try ImageDecoder.decode(after.previewJPEG).image
        let expected = try ImageDecoder.decode(before.previewJPEG).image.oriented(by: orientation).turned(turns)
        #expect(isClose(preview, expected))
        // The subject's area covers the same pixels as before.
        let area = try #require(after.exif[0x9214]).map(Int.init)
        var marked = [UInt8](repeating: 0, count: 96 * 64)
        marked[20 * 96 + 10] = 255
        let point = try Image(width: 96, height: 64, format: .gray8, pixels: marked).oriented(by: orientation).turned(
            turns)
        #expect(point.pixels[area[1] * point.width + area[0]] == 255)
        #expect(Array(area[2...]) == (point.width == 96 ? [8, 4] : [4, 8]))
    }

    @Test("a preview whose blocks are partial is encoded again, and fits where other data follow it", arguments: 1...3)
    func turnsPartialPreview(turns: Int) throws {
        var (_, data) = try photo(previewSide: 30)
        data.after = Array("maker's notes".utf8)
        let jpeg = data.inserted(into: try ImageEncoder.jpeg(try picture(96, 64), quality: 95))
        let file = try ImageTurner.turned(jpeg, quarterTurnsCounterclockwise: turns)
        let after = try #require(EXIFData(in: file.bytes))
        let expected = try ImageDecoder.decode(data.previewJPEG).image.turned(turns)
        #expect(isClose(try ImageDecoder.decode(after.previewJPEG).image, expected))
        #expect(file.bytes.firstRange(of: data.after) != nil)
    }

    @Test("a preview that can't be turned is taken out, and that is told")
    func takesOutPreview() throws {
        var (_, data) = try photo()
        data.previewJPEG = Array("no JPEG".utf8)
        let jpeg = data.inserted(into: try ImageEncoder.jpeg(try picture(96, 64), quality: 95))
        let file = try ImageTurner.turned(jpeg, quarterTurnsCounterclockwise: 1)
        #expect(file.losses == [.preview])
        #expect(try #require(EXIFData(in: file.bytes)).preview.isEmpty)
    }

    @Test("EXIF data cut or damaged anywhere never trap")
    func survivesDamage() throws {
        let (_, data) = try photo()
        let plain = try ImageEncoder.jpeg(try picture(16, 16), quality: 80)
        let whole = data.bytes
        for offset in 0..<min(whole.count, 220) {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var damaged = whole
                damaged[offset] = value
                let payload = Array("Exif\0\0".utf8) + damaged
                let segment: [UInt8] = [0xFF, 0xE1, UInt8((payload.count + 2) >> 8), UInt8((payload.count + 2) & 255)]
                let jpeg = plain[..<2] + segment + payload + plain[2...]
                _ = try? ImageTurner.turned(Array(jpeg), quarterTurnsCounterclockwise: 1)
                _ = try? ImageTurner.turned(
                    Array(jpeg), quarterTurnsCounterclockwise: 1, options: .init(method: .orientation))
            }
        }
    }

    // MARK: Orientation only

    @Test(
        "with the orientation alone, every other byte stays", arguments: EXIFOrientation.allCases, 1...3)
    func statesOrientation(orientation: EXIFOrientation, turns: Int) throws {
        let (jpeg, _) = try photo(orientation: orientation)
        let wanted = try ImageDecoder.decode(jpeg).upright.turned(turns)
        let file = try ImageTurner.turned(
            jpeg, quarterTurnsCounterclockwise: turns, options: .init(method: .orientation))
        #expect(file.change == .orientationOnly)
        #expect(try ImageDecoder.decode(file.bytes).upright == wanted)
        #expect(zip(file.bytes, jpeg).count { $0 != $1 } == 1)
        #expect(file.bytes.count == jpeg.count)
    }

    @Test("a JPEG without EXIF, or without an orientation in it, gets one; a PNG too", arguments: 1...3)
    func addsOrientation(turns: Int) throws {
        let plain = try ImageEncoder.jpeg(try picture(17, 31), quality: 80)
        var data = EXIFData()
        data.picture = [0x100: [17], 0x101: [31]]
        data.exif = [0xA002: [17]]
        let png = try ImageEncoder.png(try picture(17, 31))
        for original in [plain, data.inserted(into: plain), png, plain + Array("a film".utf8)] {
            let image = try ImageDecoder.decode(original).image
            let file = try ImageTurner.turned(
                original, quarterTurnsCounterclockwise: turns, options: .init(method: .orientation))
            #expect(file.change == .orientationOnly)
            let decoded = try ImageDecoder.decode(file.bytes)
            #expect(decoded.image == image)
            #expect(decoded.upright == image.turned(turns))
            let back = try ImageTurner.turned(
                file.bytes, quarterTurnsCounterclockwise: 4 - turns, options: .init(method: .orientation))
            #expect(try ImageDecoder.decode(back.bytes).upright == image)
        }
        let stated = try ImageTurner.turned(
            data.inserted(into: plain), quarterTurnsCounterclockwise: turns, options: .init(method: .orientation))
        let after = try #require(EXIFData(in: stated.bytes))
        #expect(after.exif[0xA002] == [17])
        #expect(after.picture.count == 4)
    }

    @Test("XMP follows: orientation and sizes")
    func followsXMP() throws {
        let text =
            "<x:xmpmeta><rdf:Description tiff:Orientation=\"1\" exif:PixelXDimension='96' tiff:ImageWidth=\"96\">"
            + "<exif:PixelYDimension>64</exif:PixelYDimension></rdf:Description></x:xmpmeta>"
        let jpeg = try ImageEncoder.jpeg(try picture(96, 64), quality: 80).withXMP(text)
        let file = try ImageTurner.turned(jpeg, quarterTurnsCounterclockwise: 1)
        for expected in [
            "exif:PixelXDimension='64'", "tiff:ImageWidth=\"64\"", "<exif:PixelYDimension>96<",
            "tiff:Orientation=\"1\"",
        ] {
            #expect(file.bytes.firstRange(of: Array(expected.utf8)) != nil, "\(expected)")
        }
    }
}

extension [UInt8] {
    /// The JPEG file with a segment of XMP at its start.
    func withXMP(_ text: String) -> [UInt8] {
        let payload = Array("http://ns.adobe.com/xap/1.0/\0".utf8) + Array(text.utf8)
        let length = payload.count + 2
        return prefix(2) + [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + payload + dropFirst(2)
    }
}
