// SPDX-License-Identifier: MIT

import Images
import Testing

@Suite("Image")
struct ImageTests {
    /// Six grey pixels in two rows: 1 2 3 above 4 5 6.
    private let six: Image

    init() throws {
        six = try Image(width: 3, height: 2, format: .gray8, pixels: [1, 2, 3, 4, 5, 6])
    }

    @Test("sizes that do not fit the pixels are refused")
    func rejectsMismatchedSizes() {
        for (width, height) in [(0, 0), (-2, -3), (2, 2), (Int.max, 2), (Int.max, Int.max)] {
            #expect(throws: ImageError.invalidDimensions(width: width, height: height, bytes: 6)) {
                try Image(width: width, height: height, format: .gray8, pixels: [1, 2, 3, 4, 5, 6])
            }
        }
    }

    @Test("quarter turns are counter-clockwise and taken modulo four")
    func turns() {
        #expect(six.turned(1).pixels == [3, 6, 2, 5, 1, 4])
        #expect(six.turned(2).pixels == [6, 5, 4, 3, 2, 1])
        #expect(six.turned(3).pixels == [4, 1, 5, 2, 6, 3])
        #expect(six.turned(-1) == six.turned(3))
        #expect(six.turned(4) == six)
        #expect((six.turned(1).width, six.turned(1).height) == (2, 3))
    }

    @Test("every orientation shows the picture as EXIF defines it")
    func orients() {
        let expected: [EXIFOrientation: [UInt8]] = [
            .up: [1, 2, 3, 4, 5, 6], .upMirrored: [3, 2, 1, 6, 5, 4], .down: [6, 5, 4, 3, 2, 1],
            .downMirrored: [4, 5, 6, 1, 2, 3], .leftMirrored: [1, 4, 2, 5, 3, 6], .right: [4, 1, 5, 2, 6, 3],
            .rightMirrored: [6, 3, 5, 2, 4, 1], .left: [3, 6, 2, 5, 1, 4],
        ]
        for orientation in EXIFOrientation.allCases {
            #expect(six.oriented(by: orientation).pixels == expected[orientation], "\(orientation)")
        }
    }

    @Test("a crop keeps its rectangle")
    func crops() {
        #expect(six.cropped(x: 1, y: 0, width: 2, height: 2).pixels == [2, 3, 5, 6])
        #expect(six.cropped(x: 2, y: 1, width: 1, height: 1).pixels == [6])
    }

    @Test("colour becomes Pillow's luma and grey becomes three equal samples")
    func convertsColour() throws {
        let colors = try Image(
            width: 4, height: 1, format: .rgba8,
            pixels: [255, 0, 0, 9, 0, 255, 0, 8, 0, 0, 255, 7, 10, 20, 30, 6])
        #expect(colors.converted(to: .gray8).pixels == [76, 150, 29, 18])
        #expect(colors.converted(to: .grayAlpha8).pixels == [76, 9, 150, 8, 29, 7, 18, 6])
        #expect(colors.converted(to: .rgb8).pixels == [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
        #expect(six.converted(to: .rgb8).pixels.prefix(6) == [1, 1, 1, 2, 2, 2])
        #expect(six.converted(to: .rgba8).pixels.prefix(4) == [1, 1, 1, 255])
    }

    @Test("alpha blends with the background and is gone")
    func composites() throws {
        let ink = try Image(width: 3, height: 1, format: .grayAlpha8, pixels: [0, 255, 0, 0, 100, 128])
        #expect(ink.composited(overGray: 255).pixels == [0, 255, 177])
        let red = try Image(width: 1, height: 1, format: .rgba8, pixels: [255, 0, 0, 51])
        #expect(red.composited(over: (0, 0, 255)).pixels == [51, 0, 204])
        #expect(six.composited(overGray: 7) == six)
    }
}
