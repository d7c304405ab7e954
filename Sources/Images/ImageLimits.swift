// SPDX-License-Identifier: MIT

/// What a decoder may take from one file. Both limits are checked before memory is taken for pixels.
public struct ImageLimits: Sendable, Equatable {
    /// Most pixels, width x height as the header announces them.
    ///
    /// The default, 178,956,970, is where Pillow refuses too (`DecompressionBombError`); it admits the
    /// 108-megapixel photos of telephones. Decoding takes at most eight bytes a pixel beside the result's own.
    public var maxPixels: Int

    /// Beyond this many pixels nothing is decoded, whatever `maxPixels` says.
    public static let greatestPixels = 1 << 32

    /// Most bytes of an encoded file. The default is 256 MiB.
    public var maxBytes: Int

    /// Limits for one file.
    public init(maxPixels: Int = 178_956_970, maxBytes: Int = 256 << 20) {
        self.maxPixels = maxPixels
        self.maxBytes = maxBytes
    }

    /// For what has passed a limit already.
    static let none = ImageLimits(maxPixels: .max, maxBytes: .max)

    func check(bytes: Int) throws(ImageError) {
        guard bytes <= maxBytes else { throw .tooManyBytes(actual: bytes, maxBytes: maxBytes) }
    }

    func check(width: Int, height: Int) throws(ImageError) {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        let most = min(maxPixels, Self.greatestPixels)
        guard !overflow, pixels <= most else {
            throw .tooManyPixels(width: width, height: height, maxPixels: most)
        }
    }
}
