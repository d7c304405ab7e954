// SPDX-License-Identifier: MIT

/// A picture of 8-bit samples: a value that can be passed between threads and compared.
///
/// Rows run from the top, pixels from the left, samples of a pixel lie together, rows have no padding.
public struct Image: Sendable, Equatable {
    /// Pixels in a row, at least 1.
    public let width: Int
    /// Rows, at least 1.
    public let height: Int
    /// The meaning of each pixel's bytes.
    public let format: PixelFormat
    /// The samples: `width * height * format.channels` bytes.
    public let pixels: [UInt8]

    /// A picture made of its samples.
    ///
    /// - Throws: `ImageError.invalidDimensions` unless both sides are at least 1 and `pixels` has
    ///   `width * height * format.channels` bytes.
    public init(width: Int, height: Int, format: PixelFormat, pixels: [UInt8]) throws(ImageError) {
        let (area, areaOverflow) = width.multipliedReportingOverflow(by: height)
        let (bytes, bytesOverflow) = area.multipliedReportingOverflow(by: format.channels)
        guard width > 0, height > 0, !areaOverflow, !bytesOverflow, bytes == pixels.count else {
            throw .invalidDimensions(width: width, height: height, bytes: pixels.count)
        }
        self.width = width
        self.height = height
        self.format = format
        self.pixels = pixels
    }

    /// A picture whose samples `fill` writes, all of them.
    ///
    /// - Precondition: Both sides are at least 1 and the size has passed a limit, so it cannot overflow.
    init(
        width: Int, height: Int, format: PixelFormat, fill: (UnsafeMutableBufferPointer<UInt8>) -> Void
    ) {
        precondition(width > 0 && height > 0, "an image has at least one pixel")
        let count = width * height * format.channels
        self.width = width
        self.height = height
        self.format = format
        self.pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// Bytes of one row.
    public var bytesPerRow: Int { width * format.channels }
}
