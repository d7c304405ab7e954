// SPDX-License-Identifier: MIT

/// How the bytes of one pixel are to be read. Samples are 8-bit and interleaved; alpha is not premultiplied.
public enum PixelFormat: Sendable, Equatable, CaseIterable {
    /// One byte: luma.
    case gray8
    /// Two bytes: luma, alpha.
    case grayAlpha8
    /// Three bytes: red, green, blue.
    case rgb8
    /// Four bytes: red, green, blue, alpha.
    case rgba8

    /// Bytes of one pixel, 1 to 4.
    public var channels: Int {
        switch self {
        case .gray8: 1
        case .grayAlpha8: 2
        case .rgb8: 3
        case .rgba8: 4
        }
    }

    /// Whether the last byte of a pixel is its opacity.
    public var hasAlpha: Bool { self == .grayAlpha8 || self == .rgba8 }

    /// Whether the colour is one byte of luma.
    public var isGray: Bool { self == .gray8 || self == .grayAlpha8 }

    /// The same colour model without alpha.
    public var opaque: PixelFormat { isGray ? .gray8 : .rgb8 }
}
