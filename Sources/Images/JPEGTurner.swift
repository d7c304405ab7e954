// SPDX-License-Identifier: MIT

/// Turns JPEG files in their coefficients, or through their pixels where that would cost rows or columns.
enum JPEGTurner {
    static func turned(
        _ bytes: UnsafeRawBufferPointer, _ quarterTurns: Int, _ partialBlocks: PartialBlocks, limits: ImageLimits
    ) throws(ImageError) -> TurnedFile {
        let segments = try JPEGSegments(bytes)
        let frame = segments.frame
        try JPEGDecoder.check(frame, limits: limits)
        let turning = Turning(segments.orientation(in: bytes), thenCounterclockwise: quarterTurns)
        if turning.isIdentity {
            var copy = Array(bytes)
            let changed = copy.withUnsafeMutableBytes { JPEGMetadata.setUpright($0, segments) }
            return TurnedFile(bytes: copy, change: changed ? .orientationOnly : .none)
        }
        let picture = UnsafeRawBufferPointer(rebasing: bytes[..<segments.end])
        let isPerfect = turning.isPerfect(for: frame)
        if TurboJPEG.canTransform(frame), isPerfect || partialBlocks == .trim {
            var turned = try TurboJPEG(.transform).transform(
                picture, turning, trimming: !isPerfect, progressive: segments.isProgressive)
            try JPEGMetadata.setUpright(&turned)
            return TurnedFile(bytes: turned, change: isPerfect ? .lossless : .trimmed)
        }
        guard partialBlocks == .reencode else {
            throw .partialBlocks(
                width: frame.width, height: frame.height, blockWidth: frame.blockWidth, blockHeight: frame.blockHeight)
        }
        return TurnedFile(bytes: try reencoded(picture, segments, turning), change: .reencoded)
    }

    /// The least quality of a second compression, where a coarse one would be seen: its blocks lie elsewhere.
    private static let leastQuality = 90

    /// Decodes, turns and encodes with the source's sampling and at least its quality.
    private static func reencoded(
        _ picture: UnsafeRawBufferPointer, _ segments: JPEGSegments, _ turning: Turning
    ) throws(ImageError) -> [UInt8] {
        guard segments.frame.components.count != 4 else {
            throw .unsupported(.jpeg, reason: "CMYK that is no multiple of its blocks is turned only by trimming")
        }
        let image = try JPEGDecoder.decode(picture, limits: ImageLimits(maxPixels: .max, maxBytes: .max)).image
        let quality = max(JPEGQuality.estimate(segments, in: picture), leastQuality)
        let sampling = ChromaSubsampling(segments.frame)
        let encoded = try TurboJPEG(.compress).compress(
            image.turned(by: turning), quality: quality,
            subsampling: turning.swapsSides ? sampling.transposed : sampling, progressive: segments.isProgressive)
        var result = try JPEGMetadata.transplanted(from: picture, segments, into: encoded)
        try JPEGMetadata.setUpright(&result)
        return result
    }
}

extension JPEGSegments {
    /// Whether the frame is a progressive one, Huffman or arithmetic.
    var isProgressive: Bool {
        segments.contains { [0xC2, 0xCA].contains($0.marker) }
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
