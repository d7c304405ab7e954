// SPDX-License-Identifier: MIT

/// Turns JPEG files in their coefficients, or through their pixels where that would cost rows or columns.
enum JPEGTurner {
    static func turned(
        _ bytes: UnsafeRawBufferPointer, _ quarterTurns: Int, _ options: TurningOptions
    ) throws(ImageError) -> TurnedFile {
        let segments = try JPEGSegments(bytes)
        try JPEGDecoder.check(segments, limits: options.limits)
        let turning = Turning(segments.orientation(in: bytes), thenCounterclockwise: quarterTurns)
        if turning.isIdentity || options.method == .orientation {
            return try JPEGRestater.stated(EXIFOrientation(turning), bytes, segments, quarterTurns)
        }
        let drops = options.extras == .drop
        let extras = drops ? nil : try JPEGExtras(bytes, segments)
        if !drops { try checkExtras(bytes, segments) }
        let picture = try turnedPicture(bytes, segments, turning, options.partialBlocks)
        if !drops && picture.endIsUnsure { throw .extras(reason: endIsUnsure) }
        let replacements = try extras.map { (extras) throws(ImageError) in
            try turnedExtras(extras, bytes, turning, quarterTurns)
        }
        let lengths = zip(extras?.pictures ?? [], replacements ?? []).map { ($0.count, $1.count) }
        let metadata = try JPEGMetadata(
            bytes, segments, .follow(picture.turn(segments.frame, turning, quarterTurns)),
            withAdobe: picture.change != .reencoded && !picture.hasAdobe, dropsExtras: drops,
            newLengths: Dictionary(lengths) { first, _ in first })
        let (file, indexPayload) = try metadata.file(with: picture.encoded)
        var losses: [TurnedFile.Loss] = metadata.lacksPreview ? [.preview] : []
        guard let extras, let replacements else {
            if segments.end < bytes.count { losses.append(.extras(bytes: bytes.count - segments.end)) }
            return TurnedFile(bytes: file, change: picture.change, losses: losses)
        }
        let whole = try extras.assembled(
            bytes, picture: file, newIndexPayload: indexPayload, replacements: replacements)
        return TurnedFile(bytes: whole, change: picture.change, losses: losses)
    }

    private static let endIsUnsure =
        "no end-of-image marker says where the picture ends and what follows it begins"

    private static func checkExtras(_ bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments) throws(ImageError) {
        guard segments.hasEnd || segments.end < bytes.count else { throw .extras(reason: endIsUnsure) }
        let xmp = segments.xmpRanges(in: bytes).last.map { XMPText(Array(bytes[$0])) }
        if xmp?.holdsDepthMap == true { throw .extras(reason: "its depth map is a part of its XMP") }
    }

    // MARK: Pictures

    /// A picture that was turned, without metadata.
    private struct Picture {
        var encoded: [UInt8]
        var change: TurnedFile.Change
        var size: (width: Int, height: Int)
        /// Whether the encoder has added Adobe's note on colour.
        var hasAdobe: Bool
        /// Whether bytes stood between the coefficients and the end-of-image marker, so that this may be another's.
        var endIsUnsure: Bool

        func turn(_ frame: JPEGSegments.Frame, _ turning: Turning, _ quarterTurns: Int) -> EXIFBlock.Turn {
            EXIFBlock.Turn(
                turning: turning, quarterTurns: quarterTurns, oldSize: (frame.width, frame.height), newSize: size)
        }
    }

    private static func turnedPicture(
        _ bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments, _ turning: Turning, _ partialBlocks: PartialBlocks
    ) throws(ImageError) -> Picture {
        let frame = segments.frame
        let isPerfect = turning.isPerfect(for: frame)
        let encoded: [UInt8]
        let change: TurnedFile.Change
        var warning: String?
        if TurboJPEG.canTransform(frame), isPerfect || partialBlocks == .trim {
            let turbo = try TurboJPEG(.transform)
            encoded = try segments.withPicture(of: bytes) { (picture) throws(ImageError) in
                try turbo.transform(picture, turning, trimming: !isPerfect, progressive: segments.isProgressive)
            }
            warning = turbo.warning
            change = isPerfect ? .lossless : .trimmed
        } else {
            guard partialBlocks == .reencode else {
                throw .partialBlocks(
                    width: frame.width, height: frame.height, blockWidth: frame.blockWidth,
                    blockHeight: frame.blockHeight)
            }
            let decoded = try JPEGDecoder.decode(bytes, limits: .none)
            encoded = try reencoded(decoded.image, bytes, segments, turning)
            warning = decoded.warning
            change = .reencoded
        }
        let target = try encoded.withRawBytes { (buffer) throws(ImageError) in try JPEGSegments(headerOf: buffer) }
        return Picture(
            encoded: encoded, change: change, size: (target.frame.width, target.frame.height),
            hasAdobe: target.header.contains { $0.marker == 0xEE },
            endIsUnsure: warning.map(TurboJPEG.saysThatBytesPrecedeTheEnd) ?? false)
    }

    /// The least quality of a second compression, where a coarse one would be seen: its blocks lie elsewhere.
    private static let leastQuality = 90

    /// Turns and encodes with the source's sampling and at least its quality.
    private static func reencoded(
        _ image: Image, _ bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments, _ turning: Turning
    ) throws(ImageError) -> [UInt8] {
        guard segments.frame.components.count != 4 else {
            throw .unsupported(.jpeg, reason: "CMYK that is no multiple of its blocks is turned only by trimming")
        }
        let quality = max(JPEGQuality.estimate(segments, in: bytes), leastQuality)
        let sampling = ChromaSubsampling(segments.frame)
        return try TurboJPEG(.compress).compress(
            image.turned(by: turning), quality: quality,
            subsampling: turning.swapsSides ? sampling.transposed : sampling, progressive: segments.isProgressive)
    }

    // MARK: Pictures beside the first

    /// The pictures that follow the first one, turned as it is, or as their own orientation asks for.
    private static func turnedExtras(
        _ extras: JPEGExtras, _ bytes: UnsafeRawBufferPointer, _ turning: Turning, _ quarterTurns: Int
    ) throws(ImageError) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for place in extras.pictures {
            do throws(ImageError) {
                let picture = UnsafeRawBufferPointer(rebasing: bytes[place])
                result.append(try turnedExtra(picture, turning, quarterTurns))
            } catch {
                throw .extras(reason: "the picture at byte \(place.lowerBound) can't be turned: \(error)")
            }
        }
        return result
    }

    private static func turnedExtra(
        _ bytes: UnsafeRawBufferPointer, _ turning: Turning, _ quarterTurns: Int
    ) throws(ImageError) -> [UInt8] {
        let segments = try JPEGSegments(bytes)
        try JPEGDecoder.check(segments, limits: .none)
        let own = segments.statedOrientation(in: bytes).map { Turning($0, thenCounterclockwise: quarterTurns) }
        let turning = own ?? turning
        if turning.isIdentity { return JPEGRestater.stating(.up, in: bytes, segments).bytes }
        let picture = try turnedPicture(bytes, segments, turning, .reencode)
        let metadata = try JPEGMetadata(
            bytes, segments, .follow(picture.turn(segments.frame, turning, quarterTurns)),
            withAdobe: picture.change != .reencoded && !picture.hasAdobe, dropsExtras: false)
        return try metadata.file(with: picture.encoded).bytes + bytes[segments.end...]
    }

    /// A preview turned, in at most `maxBytes`: without loss if it can be, else as well as there is room. It has no
    /// segments of its own but those that decode it. Nil where it can't be.
    static func turnedPreview(_ jpeg: [UInt8], _ turning: Turning, maxBytes: Int) -> [UInt8]? {
        jpeg.withUnsafeBytes { bytes in
            guard bytes.starts(with: [0xFF, JPEGSegments.Marker.startOfImage, 0xFF]),
                let segments = try? JPEGSegments(bytes),
                (try? JPEGDecoder.check(segments, limits: previewLimits)) != nil
            else { return nil }
            if let picture = try? turnedPicture(bytes, segments, turning, .refuse) {
                let plain = withoutJFIF(picture.encoded)
                if plain.count <= maxBytes { return plain }
            }
            guard segments.frame.components.count != 4,
                let image = try? JPEGDecoder.decode(bytes, limits: previewLimits).image.turned(by: turning)
            else { return nil }
            let first = max(JPEGQuality.estimate(segments, in: bytes), leastQuality)
            for quality in [first, 80, 65, 50, 35, 20] {
                let encoded = try? ImageEncoder.jpeg(image, quality: quality)
                if let plain = encoded.map(withoutJFIF), plain.count <= maxBytes { return plain }
            }
            return nil
        }
    }

    private static let previewLimits = ImageLimits(maxPixels: 1 << 24)

    private static func withoutJFIF(_ encoded: [UInt8]) -> [UInt8] {
        guard encoded.count > 6, encoded[2] == 0xFF, encoded[3] == 0xE0 else { return encoded }
        return Array(encoded[..<2] + encoded[(4 + Int(encoded[4]) << 8 + Int(encoded[5]))...])
    }
}

extension JPEGSegments {
    /// Whether the frame is a progressive one, Huffman or arithmetic.
    var isProgressive: Bool {
        [0xC2, 0xCA].contains(frameMarker)
    }
}

extension Turning {
    /// Whether no partial block would have to move to the left or top, where none can be.
    fileprivate func isPerfect(for frame: JPEGSegments.Frame) -> Bool {
        let turns = quarterTurnsCounterclockwise
        let needsWidth = isMirrored ? turns == 0 || turns == 3 : turns == 1 || turns == 2
        let needsHeight = turns >= 2
        return (!needsWidth || frame.width.isMultiple(of: frame.blockWidth))
            && (!needsHeight || frame.height.isMultiple(of: frame.blockHeight))
    }
}

extension ChromaSubsampling {
    /// The sampling of a frame; finest where the frame's is none that can be written.
    fileprivate init(_ frame: JPEGSegments.Frame) {
        let luma = frame.components.first
        let isCommon = frame.components.dropFirst().allSatisfy { $0.horizontal == 1 && $0.vertical == 1 }
        self =
            switch (isCommon, luma?.horizontal, luma?.vertical) {
            case (true, 2, 1): .yuv422
            case (true, 2, 2): .yuv420
            case (true, 1, 2): .yuv440
            case (true, 4, 1): .yuv411
            default: .yuv444
            }
    }

    /// The sampling of the picture turned by a quarter; 4:1:1, which has no counterpart, becomes the finest.
    fileprivate var transposed: ChromaSubsampling {
        switch self {
        case .yuv422: .yuv440
        case .yuv440: .yuv422
        case .yuv420: .yuv420
        case .yuv444, .yuv411: .yuv444
        }
    }
}
