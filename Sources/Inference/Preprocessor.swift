// SPDX-License-Identifier: MIT

import Images

/// From a decoded image to the numbers that a network takes.
struct Preprocessor: Sendable {
    let input: ModelDescription.Input
    /// For each channel and 8-bit value, the network's number: value / 255, less the mean, divided by the deviation, each
    /// rounded to Float32 as torchvision's `ToTensor` and `Normalize` do.
    private let table: [Float]

    init(_ input: ModelDescription.Input) {
        self.input = input
        table = (0..<input.channels).flatMap { channel in
            (0..<256).map { value in
                let scaled = input.scale.map { Float(value) * $0 } ?? Float(value) / 255
                return (scaled - input.mean[channel]) / input.std[channel]
            }
        }
    }

    /// Floats that one image takes.
    var count: Int { input.width * input.height * input.channels }

    /// The picture as the network sees it, still in 8 bits: upright, prepared, resized.
    ///
    /// - Throws: `InferenceError.noDigit` or `.severalDigits` for a digit's picture that doesn't show one.
    func pixels(of image: DecodedImage) throws -> Image {
        switch input.preprocessing {
        case .digit:
            let digit = try DigitPreparation.prepared(image.upright)
            return digit.resized(width: input.width, height: input.height)
        case .photo:
            let upright = image.image.converted(to: input.channels == 1 ? .gray8 : .rgb8).oriented(
                by: image.orientation)
            return upright.brought(to: input)
        }
    }

    /// The same of a file whose rows can be reduced as they are decoded, in the memory of some rows; nil for others.
    ///
    /// - Throws: `ImageError`.
    func pixels(ofRowsIn file: [UInt8], limits: ImageLimits) throws -> Image? {
        let resize = input.resize ?? .init(mode: .stretch)
        guard input.preprocessing == .photo, resize.mode == .stretch, (resize.interpolation ?? .bilinear) == .bilinear
        else { return nil }
        return try ImageDecoder.decodeReduced(
            file, limits: limits, format: input.channels == 1 ? .gray8 : .rgb8, width: input.width,
            height: input.height)
    }

    /// Writes the numbers of prepared pixels, channels last.
    ///
    /// - Precondition: The image is of the input's size and channels, and the buffer holds `count`.
    func write(_ image: Image, to buffer: UnsafeMutableBufferPointer<Float>) {
        precondition(image.pixels.count == count && buffer.count >= count, "the image is not of the input's size")
        let channels = input.channels
        // Where a channel of the input is found in a pixel.
        let places = input.color == .bgr ? Array((0..<channels).reversed()) : Array(0..<channels)
        image.pixels.withUnsafeBufferPointer { pixels in
            table.withUnsafeBufferPointer { table in
                for pixel in stride(from: 0, to: count, by: channels) {
                    for channel in 0..<channels {
                        buffer[pixel + channel] = table[channel << 8 + Int(pixels[pixel + places[channel]])]
                    }
                }
            }
        }
    }
}
