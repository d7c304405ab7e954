// SPDX-License-Identifier: MIT

import Images
import Testing

@Suite("EXIFOrientation")
struct EXIFOrientationTests {
    @Test("sound and absurd EXIF data are read as Pillow reads them", arguments: try Goldens.table("exif.tsv"))
    func readsAsPillow(line: [String]) {
        let data = Goldens.bytes(fromHex: line[1])
        let location = data.withUnsafeBytes { EXIFOrientation.locate(in: $0) }
        #expect("\((location?.orientation ?? .up).rawValue)" == line[2])
    }

    @Test("the place of the value is told from the start of the data")
    func locatesValue() throws {
        let line = try #require(try Goldens.table("exif.tsv").first { $0[0] == "big marked" })
        let data = Goldens.bytes(fromHex: line[1])
        let location = try #require(data.withUnsafeBytes { EXIFOrientation.locate(in: $0) })
        #expect((location.offset, location.type) == (24, 3))
        #expect(!location.isLittleEndian)
        #expect(location.orientation == .right)
        #expect(Array(data[24..<26]) == [0, 6])
    }

    @Test("random bytes after a header never trap")
    func survivesRandomDirectories() {
        var state: UInt64 = 11
        for _ in 0..<20_000 {
            var data: [UInt8] = [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]
            for _ in 0..<60 {
                state = state &* 6_364_136_223_846_793_005 &+ 1
                data.append(state >> 60 == 0 ? UInt8(truncatingIfNeeded: state >> 40) : UInt8(state >> 61))
            }
            _ = data.withUnsafeBytes { EXIFOrientation.locate(in: $0) }
        }
    }

    @Test("XMP tells the orientation as attribute or element")
    func readsXMP() {
        let orientation = { (text: String) in
            Array(text.utf8).withUnsafeBytes { EXIFOrientation.inXMP($0) }
        }
        #expect(orientation(#"<a tiff:Orientation="6"/>"#) == .right)
        #expect(orientation("<tiff:Orientation>8</tiff:Orientation>") == .left)
        #expect(orientation(#"tiff:Orientation tiff:Orientation="3""#) == .down)
        #expect(orientation(#"tiff:Orientation="9""#) == nil)
        #expect(orientation("tiff:Orientatio") == nil)
        #expect(orientation("") == nil)
    }
}
