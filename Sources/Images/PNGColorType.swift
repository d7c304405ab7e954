// SPDX-License-Identifier: MIT

/// What the samples of a PNG pixel mean: values of the header's colour type.
enum PNGColorType: Int {
    case gray = 0
    case rgb = 2
    case palette = 3
    case grayAlpha = 4
    case rgba = 6

    /// - Precondition: The decoder has accepted the header.
    init(accepted value: Int) {
        guard let known = PNGColorType(rawValue: value) else {
            preconditionFailure("the decoder accepted the unknown colour type \(value)")
        }
        self = known
    }

    /// The colour type of a pixel format.
    init(_ format: PixelFormat) {
        switch format {
        case .gray8: self = .gray
        case .grayAlpha8: self = .grayAlpha
        case .rgb8: self = .rgb
        case .rgba8: self = .rgba
        }
    }

    /// Stored samples of one pixel.
    var samplesPerPixel: Int {
        switch self {
        case .gray, .palette: 1
        case .grayAlpha: 2
        case .rgb: 3
        case .rgba: 4
        }
    }
}
