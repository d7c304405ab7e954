// SPDX-License-Identifier: MIT

/// Turns PNG files in their own samples: bit depth and palette stay, and all chunks beside the picture.
enum PNGTurner {
    static func turned(
        _ bytes: UnsafeRawBufferPointer, _ quarterTurns: Int, limits: ImageLimits
    ) throws(ImageError) -> TurnedFile {
        let chunks = try PNGChunks(bytes)
        try PNGDecoder.check(chunks.header, limits: limits)
        guard !chunks.chunks.contains(where: { $0.type == "acTL" }) else {
            throw .unsupported(.png, reason: "an animation cannot be turned")
        }
        let reader = try SpngReader(bytes)
        let rows = try reader.decodeRows(of: chunks.header)
        let source = PNGOrientation(in: bytes, chunks: chunks, texts: try reader.texts())
        let turning = Turning(source.orientation, thenCounterclockwise: quarterTurns)
        if turning.isIdentity && source.orientation == .up { return TurnedFile(bytes: Array(bytes), change: .none) }
        let samples = PNGSamples(header: chunks.header, rows: rows).turned(by: turning)
        let isIndexed = PNGColorType(accepted: chunks.header.colorType) == .palette
        let palette = isIndexed ? try reader.palette() : nil
        let encoded = try SpngWriter(samples.header, palette: palette).encode(samples.rows)
        let file = try assembled(bytes, chunks, picture: encoded, turning: turning, orientation: source)
        return TurnedFile(bytes: file, change: turning.isIdentity ? .orientationOnly : .lossless)
    }

    /// The old file's chunks around the new picture; those that tell of orientation or of sides are rewritten.
    private static func assembled(
        _ bytes: UnsafeRawBufferPointer, _ chunks: PNGChunks, picture: [UInt8], turning: Turning,
        orientation: PNGOrientation
    ) throws(ImageError) -> [UInt8] {
        let new = try picture.withRawBytes { (buffer) throws(ImageError) in try PNGChunks(buffer) }
        var result = PNGChunks.signature
        var hasPicture = false
        for chunk in chunks.chunks {
            switch chunk.type {
            case "IHDR":
                result += picture[new.chunks[0].whole]
            case "IDAT":
                if !hasPicture {
                    for data in new.chunks where data.type == "IDAT" { result += picture[data.whole] }
                    hasPicture = true
                }
            default:
                let data = UnsafeRawBufferPointer(rebasing: bytes[chunk.data])
                if let new = rewritten(chunk.type, data, turning: turning, orientation: orientation) {
                    result += PNGChunks.encoded(type: new.type, data: new.data)
                } else {
                    result += bytes[chunk.whole]
                }
            }
        }
        return result
    }

    /// What takes the place of a chunk; nil where it stays as it is.
    private static func rewritten(
        _ type: String, _ data: UnsafeRawBufferPointer, turning: Turning, orientation: PNGOrientation
    ) -> (type: String, data: [UInt8])? {
        switch type {
        case "pHYs" where turning.swapsSides && data.count == 9:
            return (type, Array(data[4..<8]) + Array(data[0..<4]) + [data[8]])
        case "eXIf":
            return PNGOrientation.uprightEXIF(Array(data)).map { (type, $0) }
        case "tEXt", "zTXt", "iTXt":
            return orientation.uprightText(data)
        default:
            return nil
        }
    }
}
