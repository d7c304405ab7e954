// SPDX-License-Identifier: MIT

import CTurboJPEG

/// JPEG files to pixels, through libjpeg-turbo.
enum JPEGDecoder {
    static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits, longestSide: Int? = nil
    ) throws(ImageError) -> DecodedImage {
        let segments = try JPEGSegments(bytes)
        let frame = segments.frame
        try check(frame, limits: limits)
        let turbo = try TurboJPEG(.decompress)
        let format = frame.components.count == 1 ? PixelFormat.gray8 : .rgb8
        let picture = UnsafeRawBufferPointer(rebasing: bytes[..<segments.end])
        let image: Image
        if frame.components.count == 4 {
            let inks = try turbo.decompress(picture, frame, TJPF_CMYK, channels: 4)
            image = rgb(fromInvertedInks: inks, width: frame.width, height: frame.height)
        } else {
            let pixelFormat = format == .gray8 ? TJPF_GRAY : TJPF_RGB
            let divisor = divisor(of: frame, longestSide: longestSide)
            let pixels = try turbo.decompress(
                picture, frame, pixelFormat, channels: format.channels, divisor: divisor)
            image = try Image(
                width: (frame.width + divisor - 1) / divisor, height: (frame.height + divisor - 1) / divisor,
                format: format, pixels: pixels)
        }
        return DecodedImage(
            image: image, orientation: segments.orientation(in: bytes), format: .jpeg, warning: turbo.warning)
    }

    /// The largest of the divisors that libjpeg-turbo has fast transforms for and that leaves the longest side long enough.
    private static func divisor(of frame: JPEGSegments.Frame, longestSide: Int?) -> Int {
        guard let longestSide else { return 1 }
        return [8, 4, 2].first { max(frame.width, frame.height) / $0 >= longestSide } ?? 1
    }

    static func check(_ frame: JPEGSegments.Frame, limits: ImageLimits) throws(ImageError) {
        guard frame.width > 0, frame.height > 0 else { throw .corrupt(.jpeg, reason: "it has no pixels") }
        try limits.check(width: frame.width, height: frame.height)
        guard frame.precision == 8 else {
            throw .unsupported(.jpeg, reason: "samples of \(frame.precision) bits; expected 8")
        }
        guard [1, 3, 4].contains(frame.components.count) else {
            throw .unsupported(.jpeg, reason: "\(frame.components.count) colour components; expected 1, 3 or 4")
        }
    }

    /// CMYK as Adobe stores it, 255 for no ink, to RGB as Pillow converts it.
    ///
    /// - Source: Pillow's `Convert.c`, function `cmyk2rgb`, after `Unpack.c`'s "CMYK;I".
    private static func rgb(fromInvertedInks inks: [UInt8], width: Int, height: Int) -> Image {
        Image(width: width, height: height, format: .rgb8) { output in
            for pixel in 0..<(width * height) {
                let light = Int(inks[pixel * 4 + 3])
                for channel in 0..<3 {
                    let product = (255 - Int(inks[pixel * 4 + channel])) * light + 128
                    output[pixel * 3 + channel] = UInt8(max(0, light - (((product >> 8) + product) >> 8)))
                }
            }
        }
    }
}
