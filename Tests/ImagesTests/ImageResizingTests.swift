// SPDX-License-Identifier: MIT

import Checkpoints
import Images
import Testing

@Suite("Image, resizing")
struct ImageResizingTests {
    /// The bytes that `pattern` in Tools/goldens/images.py makes.
    private func pattern(width: Int, height: Int, format: PixelFormat) throws -> Image {
        var state = UInt32(width * 65_537 + height * 257 + format.channels)
        let pixels = (0..<(width * height * format.channels)).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        return try Image(width: width, height: height, format: format, pixels: pixels)
    }

    @Test("a sweep over odd sizes gives Pillow's bytes, in both pass orders")
    func resizesAsPillow() throws {
        let filters: [String: ResizeFilter] = ["box": .box, "bilinear": .bilinear, "bicubic": .bicubic]
        let orders: [String: ResizePassOrder] = ["pillow13": .pillow13, "horizontalFirst": .horizontalFirst]
        let lines = try Goldens.table("resizes.tsv")
        #expect(lines.count == 540)
        for line in lines {
            let numbers = line.prefix(5).compactMap(Int.init)
            let format = PixelFormat.allCases[numbers[4] - 1]
            let filter = try #require(filters[line[5]])
            let order = try #require(orders[line[6]])
            let source = try pattern(width: numbers[0], height: numbers[1], format: format)
            let result = source.resized(width: numbers[2], height: numbers[3], filter: filter, passOrder: order)
            #expect(SHA256.hexadecimal(of: result.pixels) == line[7], "\(line.prefix(7).joined(separator: " "))")
        }
    }

    @Test("the same size is the same picture")
    func keepsSameSize() throws {
        let image = try pattern(width: 7, height: 5, format: .rgba8)
        #expect(image.resized(width: 7, height: 5) == image)
    }
}
