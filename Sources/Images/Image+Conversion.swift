// SPDX-License-Identifier: MIT

extension Image {
    /// The same picture in another pixel format, computed as Pillow's `Image.convert` does.
    ///
    /// Luma is `(R * 19595 + G * 38470 + B * 7471 + 0x8000) >> 16`; grey becomes three equal samples; alpha is
    /// dropped without blending, or added as 255.
    ///
    /// - Source: Pillow's `Convert.c`, macro `L24`.
    public func converted(to target: PixelFormat) -> Image {
        if target == format { return self }
        return Image(width: width, height: height, format: target) { output in
            pixels.withUnsafeBufferPointer { Self.convert($0, format, to: output, target) }
        }
    }

    /// Converts pixels that lie one after the other.
    static func convert(
        _ input: UnsafeBufferPointer<UInt8>, _ format: PixelFormat, to output: UnsafeMutableBufferPointer<UInt8>,
        _ target: PixelFormat
    ) {
        // Constants for the common pairs, so that each loop is compiled for its own.
        switch (format, target) {
        case (.rgb8, .gray8): convertPixels(input, .rgb8, output, .gray8)
        case (.gray8, .rgb8): convertPixels(input, .gray8, output, .rgb8)
        case (.rgba8, .rgb8): convertPixels(input, .rgba8, output, .rgb8)
        case (.gray8, .gray8), (.rgb8, .rgb8): _ = output.update(fromContentsOf: input)
        default: convertPixels(input, format, output, target)
        }
    }

    /// The picture laid over a plain grey background, without alpha: each sample is blended by its pixel's opacity
    /// and rounded to nearest. A picture without alpha is returned as it is.
    public func composited(overGray background: UInt8) -> Image {
        composited(over: (background, background, background))
    }

    /// The picture laid over a plain colour, without alpha: each sample is blended by its pixel's opacity and rounded
    /// to nearest. A picture without alpha is returned as it is; a grey one takes the luma of the background.
    public func composited(over background: (red: UInt8, green: UInt8, blue: UInt8)) -> Image {
        guard format.hasAlpha else { return self }
        let samples = format.channels - 1
        let paper =
            format.isGray
            ? [Self.luma(background.red, background.green, background.blue)]
            : [background.red, background.green, background.blue]
        return Image(width: width, height: height, format: format.opaque) { output in
            for pixel in 0..<(width * height) {
                let alpha = Int(pixels[pixel * (samples + 1) + samples])
                for sample in 0..<samples {
                    let ink = Int(pixels[pixel * (samples + 1) + sample])
                    let blended = ink * alpha + Int(paper[sample]) * (255 - alpha)
                    output[pixel * samples + sample] = UInt8((blended + 127) / 255)
                }
            }
        }
    }

    @inline(__always)
    private static func convertPixels(
        _ input: UnsafeBufferPointer<UInt8>, _ source: PixelFormat, _ output: UnsafeMutableBufferPointer<UInt8>,
        _ target: PixelFormat
    ) {
        guard var from = input.baseAddress, var to = output.baseAddress else { return }
        for _ in 0..<(input.count / source.channels) {
            convertPixel(from, source, to, target)
            from += source.channels
            to += target.channels
        }
    }

    @inline(__always)
    private static func convertPixel(
        _ from: UnsafePointer<UInt8>, _ source: PixelFormat, _ to: UnsafeMutablePointer<UInt8>, _ target: PixelFormat
    ) {
        if target.isGray {
            to[0] = source.isGray ? from[0] : luma(from[0], from[1], from[2])
        } else {
            to[0] = from[0]
            to[1] = source.isGray ? from[0] : from[1]
            to[2] = source.isGray ? from[0] : from[2]
        }
        if target.hasAlpha {
            to[target.channels - 1] = source.hasAlpha ? from[source.channels - 1] : 255
        }
    }

    @inline(__always)
    private static func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
        let sum = UInt32(red) &* 19595 &+ UInt32(green) &* 38470 &+ UInt32(blue) &* 7471 &+ 0x8000
        return UInt8(truncatingIfNeeded: sum >> 16)
    }
}
