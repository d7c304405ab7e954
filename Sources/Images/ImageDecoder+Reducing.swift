// SPDX-License-Identifier: MIT

/// PNG pictures decoded into a smaller size row by row: memory for some rows, however many there are.
extension ImageDecoder {
    /// Decodes a PNG file into another size and pixel format, as decoding, `converted(to:)` and `resized(width:height:)` do
    /// one after the other, bit for bit.
    ///
    /// - Parameters:
    ///   - format: One without alpha.
    /// - Returns: nil for a file that has to be decoded as a whole: of another format, interlaced, or not upright.
    /// - Throws: `ImageError`, as `decode(_:limits:gray16:)` does.
    package static func decodeReduced(
        _ bytes: [UInt8], limits: ImageLimits, gray16: Gray16Conversion = .clipped, format: PixelFormat, width: Int,
        height: Int
    ) throws(ImageError) -> Image? {
        try bytes.withRawBytes { (buffer) throws(ImageError) in
            guard ImageFormat.recognised(in: buffer) == .png else { return nil }
            try limits.check(bytes: buffer.count)
            let chunks = try PNGChunks(buffer)
            let header = chunks.header
            try PNGDecoder.check(header, limits: limits)
            // Where the file says how it is turned, the sides may have to change places first.
            let saysOrientation = chunks.chunks.contains { ["eXIf", "tEXt", "zTXt", "iTXt"].contains($0.type) }
            if header.isInterlaced || saysOrientation { return nil }
            let reader = try SpngReader(buffer)
            let layout = PNGLayout(
                header: header, palette: try reader.palette(), transparency: try reader.transparency(), gray16: gray16)
            var resizer = RowResizer(
                from: (header.width, header.height), to: (width, height), format: format)
            var unpacked = [UInt8](repeating: 0, count: header.width * layout.format.channels)
            var converted = [UInt8](repeating: 0, count: header.width * format.channels)
            try reader.decodeEachRow(of: header) { row in
                unpacked.withUnsafeMutableBufferPointer { pixels in
                    layout.unpack(row, to: pixels)
                    converted.withUnsafeMutableBufferPointer { output in
                        Image.convert(UnsafeBufferPointer(pixels), layout.format, to: output, format)
                    }
                }
                converted.withUnsafeBufferPointer { resizer.append($0) }
            }
            return resizer.finish()
        }
    }
}
