// SPDX-License-Identifier: MIT

import Images
import Testing

@Suite("ImageEncoder")
struct ImageEncoderTests {
    /// A picture whose samples differ in a fixed pattern, of an odd size.
    private func picture(_ format: PixelFormat, width: Int = 17, height: Int = 11) throws -> Image {
        let pixels = (0..<(width * height * format.channels)).map { UInt8(truncatingIfNeeded: $0 * 37 + $0 / 7) }
        return try Image(width: width, height: height, format: format, pixels: pixels)
    }

    @Test("a PNG holds every pixel of every format", arguments: PixelFormat.allCases)
    func pngIsLossless(format: PixelFormat) throws {
        let image = try picture(format)
        let decoded = try ImageDecoder.decode(try ImageEncoder.png(image))
        #expect(decoded.image == image)
        #expect(decoded.orientation == .up)
        #expect(decoded.format == .png)
    }

    @Test("a JPEG of a plain picture keeps its size and colour", arguments: PixelFormat.allCases)
    func jpegKeepsPlainColour(format: PixelFormat) throws {
        let color: [UInt8] = [200, 90, 40, 255]
        let pixel = format.isGray ? [color[0]] + (format.hasAlpha ? [255] : []) : Array(color.prefix(format.channels))
        let pixels = Array(repeatElement(pixel, count: 30 * 20).joined())
        let image = try Image(width: 30, height: 20, format: format, pixels: pixels)
        let decoded = try ImageDecoder.decode(try ImageEncoder.jpeg(image, quality: 95)).image
        #expect((decoded.width, decoded.height) == (30, 20))
        #expect(decoded.format == format.opaque)
        let expected = image.converted(to: format.opaque).pixels
        let largest = zip(decoded.pixels, expected).map { abs(Int($0) - Int($1)) }.max()
        #expect(try #require(largest) <= 2)
    }

    @Test("a quality outside 1 to 100 is refused", arguments: [0, 101])
    func rejectsQuality(quality: Int) throws {
        let image = try picture(.rgb8)
        #expect(throws: ImageError.encodingFailed(.jpeg, reason: "quality \(quality); expected 1 to 100")) {
            try ImageEncoder.jpeg(image, quality: quality)
        }
    }
}
