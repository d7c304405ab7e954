// SPDX-License-Identifier: MIT

/// PNG files to pixels, through libspng, which checks and unfilters; samples are unpacked here as Pillow unpacks them.
enum PNGDecoder {
    static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits, gray16: Gray16Conversion
    ) throws(ImageError) -> DecodedImage {
        let chunks = try PNGChunks(bytes)
        let header = chunks.header
        try check(header, limits: limits)
        let reader = try SpngReader(bytes)
        let layout = PNGLayout(
            header: header, palette: try reader.palette(), transparency: try reader.transparency(), gray16: gray16)
        let image = layout.image(fromRows: try reader.decodeRows(of: header))
        let orientation = PNGOrientation(in: bytes, chunks: chunks, texts: try reader.texts()).orientation
        return DecodedImage(image: image, orientation: orientation, format: .png, warning: nil)
    }

    static func check(_ header: PNGChunks.Header, limits: ImageLimits) throws(ImageError) {
        guard header.width > 0, header.height > 0 else { throw .corrupt(.png, reason: "it has no pixels") }
        try limits.check(width: header.width, height: header.height)
    }
}
