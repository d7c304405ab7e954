// SPDX-License-Identifier: MIT

/// Turns PNG files in their own samples: bit depth and palette stay, and all chunks beside the picture.
enum PNGTurner {
    /// What becomes of the chunks beside the picture.
    private enum Change {
        case follow(EXIFBlock.Turn)
        case state(EXIFOrientation)
    }

    static func turned(
        _ bytes: UnsafeRawBufferPointer, _ quarterTurns: Int, _ options: TurningOptions
    ) throws(ImageError) -> TurnedFile {
        let chunks = try PNGChunks(bytes)
        let header = chunks.header
        try PNGDecoder.check(header, limits: options.limits)
        let isAnimation = chunks.chunks.contains { $0.type == "acTL" }
        guard !isAnimation || options.method == .orientation else {
            throw .unsupported(.png, reason: "an animation cannot be turned")
        }
        let reader = try SpngReader(bytes)
        let rows = try reader.decodeRows(of: header)
        let source = PNGOrientation(in: bytes, chunks: chunks, texts: try reader.texts())
        let turning = Turning(source.orientation, thenCounterclockwise: quarterTurns)
        if turning.isIdentity && source.orientation == .up { return TurnedFile(bytes: Array(bytes), change: .none) }
        if turning.isIdentity || options.method == .orientation {
            let orientation = EXIFOrientation(turning)
            var assembly = Assembly(bytes: bytes, change: .state(orientation), source: source)
            try assembly.add(chunks, picture: nil)
            return TurnedFile(
                bytes: assembly.file, change: orientation == source.orientation ? .none : .orientationOnly)
        }
        let samples = PNGSamples(header: header, rows: rows).turned(by: turning)
        let isIndexed = PNGColorType(accepted: header.colorType) == .palette
        let encoded = try SpngWriter(samples.header, palette: isIndexed ? try reader.palette() : nil).encode(
            samples.rows)
        let turn = EXIFBlock.Turn(
            turning: turning, quarterTurns: quarterTurns, oldSize: (header.width, header.height),
            newSize: (samples.header.width, samples.header.height))
        var assembly = Assembly(bytes: bytes, change: .follow(turn), source: source)
        try assembly.add(chunks, picture: encoded)
        return TurnedFile(
            bytes: assembly.file, change: .lossless, losses: assembly.lacksPreview ? [.preview] : [])
    }

    /// The old file's chunks around the new picture; those that tell of orientation or of sides are rewritten.
    private struct Assembly {
        let bytes: UnsafeRawBufferPointer
        let change: Change
        let source: PNGOrientation
        var file = PNGChunks.signature
        var lacksPreview = false

        /// - Parameter picture: A PNG file that holds the new picture; nil if the old one stays.
        mutating func add(_ chunks: PNGChunks, picture: [UInt8]?) throws(ImageError) {
            let new = try picture.map { (picture) throws(ImageError) in
                (picture, try picture.withRawBytes { (buffer) throws(ImageError) in try PNGChunks(buffer) })
            }
            let needsEXIF: [UInt8]? =
                if case .state(let orientation) = change, !source.isInEXIF, orientation != .up,
                    !chunks.chunks.contains(where: { $0.type == "eXIf" })
                { EXIFBlock.minimal(orientation) } else { nil }
            var hasPicture = false
            for chunk in chunks.chunks {
                switch (chunk.type, new) {
                case ("IHDR", let (picture, new)?):
                    file += picture[new.chunks[0].whole]
                case ("IDAT", let (picture, new)?):
                    if !hasPicture {
                        for data in new.chunks where data.type == "IDAT" { file += picture[data.whole] }
                        hasPicture = true
                    }
                default:
                    addRewritten(chunk)
                }
                if chunk.type == "IHDR", let needsEXIF {
                    file += PNGChunks.encoded(type: "eXIf", data: needsEXIF)
                }
            }
            // What stands behind the end is no part of the picture, and stays.
            file += bytes[(chunks.chunks.last?.whole.upperBound ?? bytes.count)...]
        }

        private mutating func addRewritten(_ chunk: PNGChunks.Chunk) {
            let data = UnsafeRawBufferPointer(rebasing: bytes[chunk.data])
            if let new = rewritten(chunk.type, data) {
                file += PNGChunks.encoded(type: new.type, data: new.data)
            } else {
                file += bytes[chunk.whole]
            }
        }

        /// What takes the place of a chunk; nil where it stays as it is.
        private mutating func rewritten(_ type: String, _ data: UnsafeRawBufferPointer) -> (
            type: String, data: [UInt8]
        )? {
            switch (type, change) {
            case ("pHYs", .follow(let turn)) where turn.turning.swapsSides && data.count == 9:
                return (type, Array(data[4..<8]) + Array(data[0..<4]) + [data[8]])
            case ("eXIf", _):
                return changedEXIF(Array(data)).map { (type, $0) }
            case ("tEXt", _), ("zTXt", _), ("iTXt", _):
                var lost = lacksPreview
                defer { lacksPreview = lost }
                return source.changedText(data) { exif in
                    var copy = self
                    defer { lost = lost || copy.lacksPreview }
                    return copy.changedEXIF(exif)
                } changeXMP: { text in
                    switch change {
                    case .state(let orientation): text.setOrientation(orientation)
                    case .follow(let turn): text.follow(turn)
                    }
                }
            default:
                return nil
            }
        }

        private mutating func changedEXIF(_ data: [UInt8]) -> [UInt8]? {
            switch change {
            case .state(let orientation):
                return EXIFBlock.stating(orientation, in: data)
            case .follow(let turn):
                guard var block = EXIFBlock(data) else { return nil }
                if block.follow(turn, turnPreview: JPEGTurner.turnedPreview) { lacksPreview = true }
                return block.bytes == data ? nil : block.bytes
            }
        }
    }
}
