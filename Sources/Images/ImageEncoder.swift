// SPDX-License-Identifier: MIT

/// From pixels to the bytes of a PNG or JPEG file.
public enum ImageEncoder {
    /// A PNG file of the image: lossless, of the image's own pixel format.
    ///
    /// - Throws: `ImageError.encodingFailed`, for example where a side is 2^31 pixels or more.
    public static func png(_ image: Image) throws(ImageError) -> [UInt8] {
        let writer = try SpngWriter(image)
        return try writer.encode(image.pixels)
    }

    /// A JPEG file of the image, by the slow integer DCT. Alpha is dropped without blending.
    ///
    /// - Parameters:
    ///   - image: At most 65,500 pixels wide and high.
    ///   - quality: 1 (smallest) to 100 (finest), on libjpeg's scale.
    ///   - subsampling: How coarsely colour is stored; a grey image has none.
    /// - Throws: `ImageError.encodingFailed`, for example where a side is too long.
    public static func jpeg(
        _ image: Image, quality: Int, subsampling: ChromaSubsampling = .yuv420
    ) throws(ImageError) -> [UInt8] {
        guard (1...100).contains(quality) else {
            throw .encodingFailed(.jpeg, reason: "quality \(quality); expected 1 to 100")
        }
        let turbo = try TurboJPEG(.compress)
        return try turbo.compress(image.converted(to: image.format.opaque), quality: quality, subsampling: subsampling)
    }
}

/// How many luma samples share one sample of each colour difference in a JPEG.
public enum ChromaSubsampling: Sendable, Equatable, CaseIterable {
    /// 4:4:4, one each.
    case yuv444
    /// 4:2:2, two beside each other.
    case yuv422
    /// 4:2:0, a square of four.
    case yuv420
    /// 4:4:0, two above each other.
    case yuv440
    /// 4:1:1, four beside each other.
    case yuv411
}
