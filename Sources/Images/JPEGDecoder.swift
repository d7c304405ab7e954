// SPDX-License-Identifier: MIT

import CTurboJPEG

/// JPEG files to pixels, through libjpeg-turbo.
enum JPEGDecoder {
    static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: ImageLimits, longestSide: Int? = nil
    ) throws(ImageError) -> DecodedImage {
        let segments = try JPEGSegments(bytes)
        let frame = segments.frame
        try check(segments, limits: limits)
        let turbo = try TurboJPEG(.decompress)
        let format = frame.components.count == 1 ? PixelFormat.gray8 : .rgb8
        let image = try segments.withPicture(of: bytes) { (picture) throws(ImageError) in
            if frame.components.count == 4 {
                let inks = try turbo.decompress(picture, frame, TJPF_CMYK, channels: 4)
                return rgb(fromInvertedInks: inks, width: frame.width, height: frame.height)
            }
            let pixelFormat = format == .gray8 ? TJPF_GRAY : TJPF_RGB
            let divisor = divisor(of: frame, longestSide: longestSide)
            let pixels = try turbo.decompress(
                picture, frame, pixelFormat, channels: format.channels, divisor: divisor)
            return try Image(
                width: (frame.width + divisor - 1) / divisor, height: (frame.height + divisor - 1) / divisor,
                format: format, pixels: pixels)
        }
        if !segments.hasEnd { try checkThatItIsWhole(turbo.warning, segments, bytes.count) }
        return DecodedImage(
            image: image, orientation: segments.orientation(in: bytes), format: .jpeg, warning: turbo.warning)
    }

    /// The largest of the divisors that libjpeg-turbo has fast transforms for and that leaves the longest side long enough.
    private static func divisor(of frame: JPEGSegments.Frame, longestSide: Int?) -> Int {
        guard let longestSide else { return 1 }
        return [8, 4, 2].first { max(frame.width, frame.height) / $0 >= longestSide } ?? 1
    }

    /// A picture without an end-of-image marker is whole if its coefficients are, and something else follows them.
    private static func checkThatItIsWhole(
        _ warning: String?, _ segments: JPEGSegments, _ count: Int
    ) throws(ImageError) {
        if let warning, TurboJPEG.saysThatTheEndIsMissing(warning) {
            throw .truncated(.jpeg, at: segments.end, expected: "the rest of the picture")
        }
        let isFollowed = segments.end < count || warning.map(TurboJPEG.saysThatBytesPrecedeTheEnd) ?? false
        if !isFollowed { throw .truncated(.jpeg, at: count, expected: "the end-of-image marker") }
    }

    static func check(_ segments: JPEGSegments, limits: ImageLimits) throws(ImageError) {
        let frame = segments.frame
        if let coding = segments.unreadCoding {
            throw .unsupported(.jpeg, reason: "\(coding); expected baseline or progressive coding")
        }
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

extension JPEGSegments {
    /// Calls `body` with the bytes of the picture and nothing behind them; an end-of-image marker is added if it has none.
    func withPicture<Result>(
        of bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(ImageError) -> Result
    ) throws(ImageError) -> Result {
        if hasEnd { return try body(UnsafeRawBufferPointer(rebasing: bytes[..<end])) }
        return try (bytes[..<end] + [0xFF, Marker.endOfImage]).withRawBytes(body)
    }
}
