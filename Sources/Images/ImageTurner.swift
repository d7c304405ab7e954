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

/// What becomes of what follows the picture in a JPEG: a second view, a gain map, a depth map, a film.
public enum ExtrasPolicy: Sendable, Equatable, CaseIterable {
    /// It stays. Pictures that an index lists are turned like the first one, all else is the same bytes, and the index
    /// leads to their new places. Where that can't be done, `ImageError.extras` is thrown.
    case keep
    /// It is left out of a file whose picture is turned, and so is its index.
    case drop
}

/// How a picture file is turned.
public struct TurningOptions: Sendable, Equatable {
    /// What is turned.
    public enum Method: Sendable, Equatable, CaseIterable {
        /// The pixels; the file then states that it is upright.
        case pixels
        /// Only the orientation that the file states, which programs follow that show the picture.
        case orientation
    }

    /// What is turned.
    public var method: Method
    /// What to do with a JPEG that cannot be turned without a loss.
    public var partialBlocks: PartialBlocks
    /// What to do with what follows the picture in a JPEG.
    public var extras: ExtrasPolicy
    /// As for decoding.
    public var limits: ImageLimits

    /// By default pixels are turned, and nothing is lost but the last digit of a pixel's value where a JPEG must be encoded
    /// again.
    public init(
        method: Method = .pixels, partialBlocks: PartialBlocks = .reencode, extras: ExtrasPolicy = .keep,
        limits: ImageLimits = ImageLimits()
    ) {
        self.method = method
        self.partialBlocks = partialBlocks
        self.extras = extras
        self.limits = limits
    }
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

    /// What the file before held and the new one does not.
    public enum Loss: Sendable, Equatable {
        /// So many bytes that followed the picture; see `ExtrasPolicy.drop`.
        case extras(bytes: Int)
        /// The preview inside the EXIF data, which can't be turned. Programs that show one make it anew.
        case preview
    }

    /// The new file.
    public let bytes: [UInt8]
    /// How it differs.
    public let change: Change
    /// What is gone; empty unless that was asked for, or could not be turned.
    public let losses: [Loss]

    /// A file and how it came about.
    public init(bytes: [UInt8], change: Change, losses: [Loss] = []) {
        self.bytes = bytes
        self.change = change
        self.losses = losses
    }
}

/// Turns the picture in a PNG or JPEG file and keeps everything else that the file holds.
public enum ImageTurner {
    /// The file with its picture as its EXIF orientation shows it, turned further by quarter turns; the orientation
    /// that it then states is 1. With `TurningOptions.Method.orientation` it states another one, and no pixel changes.
    ///
    /// A JPEG keeps its coefficients where it can, progressive coding, and all APPn and comment segments: EXIF, colour
    /// profile, XMP; a PNG its bit depth, palette and all chunks, but not its interlacing. Sizes, resolutions and the
    /// preview inside the EXIF data follow the turn. What follows the picture in a JPEG stays; see `ExtrasPolicy`.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - quarterTurnsCounterclockwise: Beyond what EXIF asks for; taken modulo 4.
    ///   - options: What is turned, and what to do where that would cost something.
    /// - Throws: `ImageError`, as for decoding; `.partialBlocks` if that was asked for; `.extras`; `.unsupported` for an animated
    ///   PNG, and for WebP, HEIC and AVIF, which are not written.
    public static func turned(
        _ bytes: UnsafeRawBufferPointer, quarterTurnsCounterclockwise: Int,
        options: TurningOptions = TurningOptions()
    ) throws(ImageError) -> TurnedFile {
        if bytes.isEmpty { throw .empty }
        try options.limits.check(bytes: bytes.count)
        switch try ImageFormat(of: bytes) {
        case .png: return try PNGTurner.turned(bytes, quarterTurnsCounterclockwise, options)
        case .jpeg: return try JPEGTurner.turned(bytes, quarterTurnsCounterclockwise, options)
        case .webp: throw .unsupported(.webp, reason: "it is read, not written: turning it would compress it again")
        case .heic, .avif: throw .unsupported(try ImageFormat(of: bytes), reason: "it is read, not written")
        }
    }

    /// Turns a file held in an array; see `turned(_:quarterTurnsCounterclockwise:options:)`.
    public static func turned(
        _ bytes: [UInt8], quarterTurnsCounterclockwise: Int, options: TurningOptions = TurningOptions()
    ) throws(ImageError) -> TurnedFile {
        try bytes.withRawBytes { (buffer) throws(ImageError) in
            try turned(buffer, quarterTurnsCounterclockwise: quarterTurnsCounterclockwise, options: options)
        }
    }
}
