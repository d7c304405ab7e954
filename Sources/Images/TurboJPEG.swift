// SPDX-License-Identifier: MIT

import CTurboJPEG

/// One handle of the TurboJPEG library, freed with its owner, and its errors in our terms.
final class TurboJPEG {
    private let handle: tjhandle
    /// The first complaint of the last call that the library, and Pillow, pass over; nil if there was none.
    private(set) var warning: String?

    /// Which half of the library a handle is for.
    enum Purpose {
        case compress, decompress, transform
    }

    init(_ purpose: Purpose) throws(ImageError) {
        let created =
            switch purpose {
            case .compress: tjInitCompress()
            case .decompress: tjInitDecompress()
            case .transform: tjInitTransform()
            }
        guard let created else { throw .encodingFailed(.jpeg, reason: "no memory for the codec") }
        handle = created
    }

    deinit {
        tjDestroy(handle)
    }

    /// Decodes to interleaved samples, rows without padding.
    ///
    /// - Parameter divisor: 1, 2, 4 or 8, by which the sides are divided, rounded up.
    func decompress(
        _ bytes: UnsafeRawBufferPointer, _ frame: JPEGSegments.Frame, _ pixelFormat: TJPF, channels: Int,
        divisor: Int = 1
    ) throws(ImageError) -> [UInt8] {
        let (width, height) = ((frame.width + divisor - 1) / divisor, (frame.height + divisor - 1) / divisor)
        let count = width * height * channels
        var result: CInt = 0
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            result = tjDecompress2(
                handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), CUnsignedLong(bytes.count),
                buffer.baseAddress, CInt(width), CInt(width * channels), CInt(height),
                CInt(pixelFormat.rawValue), TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS)
            initialized = result == 0 || tjGetErrorCode(handle) == TJERR_WARNING.rawValue ? count : 0
        }
        try check(result)
        return pixels
    }

    /// Encodes a grey or RGB image by the slow integer DCT.
    func compress(
        _ image: Image, quality: Int, subsampling: ChromaSubsampling, progressive: Bool = false
    ) throws(ImageError) -> [UInt8] {
        let isGray = image.format == .gray8
        guard let width = CInt(exactly: image.width), let height = CInt(exactly: image.height),
            let pitch = CInt(exactly: image.bytesPerRow)
        else { throw .encodingFailed(.jpeg, reason: "a side is too long") }
        var buffer: UnsafeMutablePointer<UInt8>?
        var count: CUnsignedLong = 0
        defer { tjFree(buffer) }
        let result = tjCompress2(
            handle, image.pixels, width, pitch, height, CInt((isGray ? TJPF_GRAY : TJPF_RGB).rawValue),
            &buffer, &count, CInt((isGray ? TJSAMP_GRAY : subsampling.turbo).rawValue), CInt(quality),
            TJFLAG_ACCURATEDCT | (progressive ? TJFLAG_PROGRESSIVE : 0))
        guard result == 0 else { throw .encodingFailed(.jpeg, reason: message) }
        return Array(UnsafeBufferPointer(start: buffer, count: Int(count)))
    }

    /// Whether the library knows the frame's sampling, without which it turns no coefficients.
    static func canTransform(_ frame: JPEGSegments.Frame) -> Bool {
        guard let luma = frame.components.first, frame.components.count > 1 else { return true }
        let chroma = frame.components[1...2]
        let known = [(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)]
        return chroma.allSatisfy { $0.horizontal == 1 && $0.vertical == 1 }
            && known.contains { $0 == (luma.horizontal, luma.vertical) }
            && frame.components.dropFirst(3).allSatisfy { $0 == luma }
    }

    /// Turns the coefficients. Of the segments it keeps those that decode them.
    ///
    /// - Parameter trimming: Whether partial blocks that cannot be turned are cut off; else they are an error.
    func transform(
        _ bytes: UnsafeRawBufferPointer, _ turning: Turning, trimming: Bool, progressive: Bool
    ) throws(ImageError) -> [UInt8] {
        var request = tjtransform()
        request.op = CInt(turning.turboOperation.rawValue)
        request.options =
            (trimming ? TJXOPT_TRIM : TJXOPT_PERFECT) | TJXOPT_COPYNONE | (progressive ? TJXOPT_PROGRESSIVE : 0)
        var buffer: UnsafeMutablePointer<UInt8>?
        var count: CUnsignedLong = 0
        defer { tjFree(buffer) }
        let source = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        try check(
            tjTransform(
                handle, source, CUnsignedLong(bytes.count), 1, &buffer, &count, &request, TJFLAG_LIMITSCANS))
        return Array(UnsafeBufferPointer(start: buffer, count: Int(count)))
    }

    private var message: String {
        tjGetErrorStr2(handle).map { String(cString: $0) } ?? "unknown error"
    }

    /// Throws what the library reported, unless it was a warning that leaves a whole picture.
    ///
    /// A failure that follows a warning still carries the warning's code, so the message decides: it is the failure's.
    func check(_ result: CInt) throws(ImageError) {
        warning = nil
        guard result != 0 else { return }
        let message = message
        let isTolerated = Self.toleratedWarnings.contains { message.hasPrefix($0) }
        guard tjGetErrorCode(handle) == TJERR_WARNING.rawValue, isTolerated else {
            throw .corrupt(.jpeg, reason: message)
        }
        warning = message
    }

    /// Whether a warning says that bytes stood between the coefficients and the end-of-image marker.
    static func saysThatBytesPrecedeTheEnd(_ warning: String) -> Bool {
        warning.hasPrefix("Corrupt JPEG data: ") && warning.hasSuffix("extraneous bytes before marker 0xd9")
    }

    /// Whether a warning says that coefficients are missing at the end.
    static func saysThatTheEndIsMissing(_ warning: String) -> Bool {
        warning == "Corrupt JPEG data: premature end of data segment"
    }

    /// Beginnings of libjpeg's warnings about damage that costs no structure of the file.
    private static let toleratedWarnings = [
        "Caution: quantization tables are too coarse", "Corrupt JPEG data: ", "Inconsistent progression sequence",
        "Invalid SOS parameters", "Unknown Adobe color transform code", "Warning: unknown JFIF revision",
    ]
}

extension ChromaSubsampling {
    fileprivate var turbo: TJSAMP {
        switch self {
        case .yuv444: TJSAMP_444
        case .yuv422: TJSAMP_422
        case .yuv420: TJSAMP_420
        case .yuv440: TJSAMP_440
        case .yuv411: TJSAMP_411
        }
    }
}

extension Turning {
    /// The library names turns clockwise; a turned mirror image is its transpose or transverse.
    fileprivate var turboOperation: TJXOP {
        switch (isMirrored, quarterTurnsCounterclockwise) {
        case (false, 1): TJXOP_ROT270
        case (false, 2): TJXOP_ROT180
        case (false, 3): TJXOP_ROT90
        case (true, 0): TJXOP_HFLIP
        case (true, 1): TJXOP_TRANSPOSE
        case (true, 2): TJXOP_VFLIP
        case (true, 3): TJXOP_TRANSVERSE
        default: TJXOP_NONE
        }
    }
}
