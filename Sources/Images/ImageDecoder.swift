// SPDX-License-Identifier: MIT

/// How 16-bit grey PNG samples become 8-bit ones. Samples of 16-bit colour always keep their high byte, as in Pillow.
public enum Gray16Conversion: Sendable, Equatable {
    /// Values above 255 become 255: what Pillow's `convert` does with its mode "I;16". A picture that uses the whole
    /// range comes out nearly white, but so it does in a pipeline that was trained or validated with Pillow.
    case clipped
    /// The high byte: the picture as a viewer shows it.
    case highByte
}

/// From the bytes of a PNG, JPEG, WebP, HEIC or AVIF file to pixels: those that Pillow 13 gives, of the first three bit for
/// bit.
///
/// - JPEG: baseline and progressive, Huffman or arithmetic, grey, colour and CMYK (taken as Adobe's inverted CMYK and
///   converted to RGB), with the slow integer DCT and smooth upsampling.
/// - PNG: all colour types and bit depths, palettes, interlacing; a transparent colour or palette becomes alpha.
///   Gamma and colour profiles are not applied.
/// - WebP: lossy and lossless, with and without alpha; of an animation the first picture. Needs libwebp.
/// - HEIC and AVIF: the main picture, turned as the container asks for. Needs libheif with decoders for them.
///
/// Only whole files are decoded: a file that ends early throws, whatever could be read of it. PNG is read more strictly
/// than Pillow reads it: every checksum counts, and the end chunk must be there.
public enum ImageDecoder {
    /// Decodes a file that lies in memory.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - limits: What the file may take; checked before memory is taken for pixels.
    ///   - gray16: How 16-bit grey is reduced.
    ///   - longestSide: A JPEG whose longest side is at least twice this long is decoded at a half, a quarter or an eighth of
    ///     its size, which still leaves `longestSide` pixels, in far less time. Nil decodes every pixel.
    /// - Throws: `ImageError`: `.empty`, `.unrecognised`, `.tooManyBytes`, `.tooManyPixels`, `.truncated`, `.corrupt`,
    ///   `.unsupported`, `.unread` or `.missingLibrary`.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits = ImageLimits(), gray16: Gray16Conversion = .clipped,
        longestSide: Int? = nil
    ) throws(ImageError) -> DecodedImage {
        if bytes.isEmpty { throw .empty }
        try limits.check(bytes: bytes.count)
        switch try ImageFormat(of: bytes) {
        case .png: return try PNGDecoder.decode(bytes, limits: limits, gray16: gray16)
        case .jpeg: return try JPEGDecoder.decode(bytes, limits: limits, longestSide: longestSide)
        case .webp: return try WebPDecoder.decode(bytes, limits: limits)
        case .heic, .avif: return try HEIFDecoder.decode(bytes, limits: limits)
        }
    }

    /// Decodes a file held in an array; see `decode(_:limits:gray16:longestSide:)`.
    public static func decode(
        _ bytes: [UInt8], limits: ImageLimits = ImageLimits(), gray16: Gray16Conversion = .clipped,
        longestSide: Int? = nil
    ) throws(ImageError) -> DecodedImage {
        try bytes.withRawBytes { (buffer) throws(ImageError) in
            try decode(buffer, limits: limits, gray16: gray16, longestSide: longestSide)
        }
    }
}
