// SPDX-License-Identifier: MIT

import Images
import Testing

/// PNG files that are reduced while they are decoded.
@Suite struct RowResizingTests {
    /// Noise that is the same each time.
    private func picture(_ width: Int, _ height: Int, _ format: PixelFormat) throws -> Image {
        var state: UInt32 = 1
        let pixels = (0..<(width * height * format.channels)).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        return try Image(width: width, height: height, format: format, pixels: pixels)
    }

    /// Sides that shrink and grow, each first: the passes change their order.
    @Test(arguments: [
        (97, 61, 20, 31), (61, 97, 31, 20), (40, 300, 16, 16), (300, 40, 16, 16), (8, 8, 16, 16), (5, 200, 16, 9),
        (200, 5, 9, 16), (16, 16, 16, 16), (16, 40, 16, 7), (40, 16, 7, 16), (1, 500, 8, 8), (500, 1, 8, 8),
        (1, 1, 3, 4),
    ])
    func equalsResizingAsAWhole(width: Int, height: Int, newWidth: Int, newHeight: Int) throws {
        for format in [PixelFormat.gray8, .grayAlpha8, .rgb8, .rgba8] {
            let file = try ImageEncoder.png(picture(width, height, format))
            for target in [PixelFormat.gray8, .rgb8] {
                let whole = try ImageDecoder.decode(file).image.converted(to: target)
                    .resized(width: newWidth, height: newHeight)
                let reduced = try ImageDecoder.decodeReduced(
                    file, limits: ImageLimits(), format: target, width: newWidth, height: newHeight)
                #expect(reduced == whole, "\(format) to \(target)")
            }
        }
    }

    @Test func filesThatEndEarlyAreRefused() throws {
        let file = try ImageEncoder.png(picture(50, 50, .rgb8))
        for count in [file.count - 5, file.count / 2] {
            #expect(throws: ImageError.self) {
                try ImageDecoder.decodeReduced(
                    Array(file[..<count]), limits: ImageLimits(), format: .rgb8, width: 8, height: 8)
            }
        }
    }

    @Test func pixelsAreLimited() throws {
        let file = try ImageEncoder.png(picture(50, 50, .gray8))
        #expect(throws: ImageError.tooManyPixels(width: 50, height: 50, maxPixels: 2499)) {
            try ImageDecoder.decodeReduced(
                file, limits: ImageLimits(maxPixels: 2499), format: .gray8, width: 8, height: 8)
        }
    }

    @Test func theCostIsThatOfRowsOrOfAllPixels() throws {
        let file = try ImageEncoder.png(picture(50, 5000, .rgb8))
        let whole = ImageCost(of: file, reducesRows: false)
        #expect(whole.pixels == 250_000)
        #expect(whole.bytes >= 50 * 5000 * 6)
        #expect(ImageCost(of: file, reducesRows: true).bytes < 5 << 20)
        #expect(ImageCost(of: Array("no image".utf8), reducesRows: true).pixels == 0)
    }
}
