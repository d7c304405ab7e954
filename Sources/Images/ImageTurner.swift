// SPDX-License-Identifier: MIT

/// What becomes of a JPEG whose size is no multiple of its blocks, where its coefficients cannot simply be turned.
public enum PartialBlocks: Sendable, Equatable, CaseIterable {
    /// Decode, turn and encode again: every pixel stays, changed a little by a second compression.
    case reencode
    /// Turn the coefficients and cut off up to one block of the edge that would come to lie at the top or left.
    case trim
    /// Throw `ImageError.partialBlocks`.
    case refuse
}

/// A picture file that was turned, and how.
public struct TurnedFile: Sendable, Equatable {
    /// How the file differs from the one before.
    public enum Change: Sendable, Equatable {
        /// Not at all: the picture was upright, and said so.
        case none
        /// Only what it says of its orientation.
        case orientationOnly
        /// Turned, with each pixel, or each coefficient of a JPEG, kept.
        case lossless
        /// Turned without loss but for some rows or columns that were cut off; see `PartialBlocks.trim`.
        case trimmed
        /// Turned and compressed again; see `PartialBlocks.reencode`.
        case reencoded
    }

    /// The new file.
    public let bytes: [UInt8]
    /// How it differs.
    public let change: Change

    /// A file and how it came about.
    public init(bytes: [UInt8], change: Change) {
        self.bytes = bytes
        self.change = change
    }
}

/// Turns the picture in a PNG or JPEG file and keeps everything else that the file holds.
public enum ImageTurner {
    /// The file with its picture as its EXIF orientation shows it, turned further by quarter turns; the orientation
    /// that it then states is 1.
    ///
    /// A JPEG keeps its coefficients where it can, progressive coding, and all APPn and comment segments: EXIF, colour
    /// profile, XMP. A PNG keeps its bit depth, palette and all chunks, but not its interlacing. A preview inside the
    /// EXIF data is kept as it is; bytes after the end of the picture are dropped.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - quarterTurnsCounterclockwise: Beyond what EXIF asks for; taken modulo 4.
    ///   - partialBlocks: What to do with a JPEG that cannot be turned without a loss.
    ///   - limits: As for decoding.
    /// - Throws: `ImageError`, as for decoding; `.partialBlocks` if so wished; `.unsupported` for an animated PNG.
    public static func turned(
        _ bytes: UnsafeRawBufferPointer, quarterTurnsCounterclockwise: Int, partialBlocks: PartialBlocks = .reencode,
        limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> TurnedFile {
        if bytes.isEmpty { throw .empty }
        try limits.check(bytes: bytes.count)
        switch ImageFormat.recognised(in: bytes) {
        case .png:
            return try PNGTurner.turned(bytes, quarterTurnsCounterclockwise, limits: limits)
        case .jpeg:
            return try JPEGTurner.turned(bytes, quarterTurnsCounterclockwise, partialBlocks, limits: limits)
        case nil:
            throw .unrecognised(firstBytes: Array(bytes.prefix(8)))
        }
    }

    /// Turns a file held in an array; see `turned(_:quarterTurnsCounterclockwise:partialBlocks:limits:)`.
    public static func turned(
        _ bytes: [UInt8], quarterTurnsCounterclockwise: Int, partialBlocks: PartialBlocks = .reencode,
        limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> TurnedFile {
        try bytes.withRawBytes { (buffer) throws(ImageError) in
            try turned(
                buffer, quarterTurnsCounterclockwise: quarterTurnsCounterclockwise, partialBlocks: partialBlocks,
                limits: limits)
        }
    }
}
