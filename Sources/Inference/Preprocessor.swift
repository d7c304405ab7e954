// SPDX-License-Identifier: MIT

import Images
import Tensors

/// From an image's file to the numbers that a network takes.
public struct Preprocessor: Sendable {
    /// What it makes, and how.
    public let input: ModelDescription.Input
    /// For each channel and 8-bit value, the network's number: value / 255, less the mean, divided by the deviation, each
    /// rounded to Float32 as torchvision's `ToTensor` and `Normalize` do.
    private let table: [Float]

    /// Prepares images as a description says.
    ///
    /// - Throws: `InferenceError.invalidInput` if it contradicts itself.
    public init(_ input: ModelDescription.Input) throws {
        if let fault = input.fault { throw InferenceError.invalidInput(reason: fault) }
        self.input = input
        table = (0..<input.channels).flatMap { channel in
            (0..<256).map { value in
                let scaled = input.scale.map { Float(value) * $0 } ?? Float(value) / 255
                return (scaled - input.mean[channel]) / input.std[channel]
            }
        }
    }

    /// Photos, resized and normalised as ImageNet's are unless it is said otherwise.
    ///
    /// - Parameters:
    ///   - resize: How a photo comes to the input's size; by default both sides are brought to it, bilinearly.
    ///   - mean: Taken from each channel's values of 0 to 1.
    ///   - std: What each channel is divided by then.
    /// - Throws: `InferenceError.invalidInput` if a size is none, or a deviation is not above 0.
    public static func photo(
        width: Int, height: Int, resize: ModelDescription.Input.Resize? = nil,
        mean: [Float] = [0.485, 0.456, 0.406], std: [Float] = [0.229, 0.224, 0.225]
    ) throws -> Preprocessor {
        try Preprocessor(
            ModelDescription.Input(
                width: width, height: height, channels: mean.count, preprocessing: .photo, resize: resize, mean: mean,
                std: std))
    }

    /// Pictures of a digit, brought into the form that MNIST's have: 28x28, bright ink on black.
    ///
    /// - Parameters:
    ///   - mean: Taken from the values of 0 to 1.
    ///   - std: What they are divided by then.
    /// - Throws: `InferenceError.invalidInput` if the deviation is not above 0.
    public static func digit(mean: Float = 0.1307, std: Float = 0.3081) throws -> Preprocessor {
        try Preprocessor(
            ModelDescription.Input(
                width: 28, height: 28, channels: 1, preprocessing: .digit, mean: [mean], std: [std]))
    }

    /// Floats that one image takes.
    public var count: Int { input.width * input.height * input.channels }

    /// The network's input for an image's file: PNG, JPEG, WebP, HEIC or AVIF.
    ///
    /// Shape: [1, C, H, W], Float32; [1, H, W, C] where the input's layout is nhwc.
    ///
    /// - Throws: `ImageError`, `InferenceError.noDigit`, `.severalDigits`, or `.takesTensors` where the network takes no pictures.
    public func tensor(of file: [UInt8], limits: ImageLimits = ImageLimits()) throws -> Tensor {
        let pixels = try prepared(file, limits: limits).pixels
        let (pixelCount, channels) = (input.width * input.height, input.channels)
        let last = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            write(pixels, to: buffer)
            initialized = count
        }
        guard input.layout != .nhwc else { return Tensor(last, shape: [1, input.height, input.width, channels]) }
        return Tensor(shape: [1, channels, input.height, input.width]) { buffer in
            for pixel in 0..<pixelCount {
                for channel in 0..<channels { buffer[channel * pixelCount + pixel] = last[pixel * channels + channel] }
            }
        }
    }

    /// The picture in a file as the network sees it, in 8 bits, and the orientation that the file asked for.
    ///
    /// - Throws: `ImageError`, `InferenceError.noDigit` or `.severalDigits`.
    func prepared(_ file: [UInt8], limits: ImageLimits) throws -> PreparedImage {
        try input.checkTakesPictures()
        if let pixels = try pixels(ofRowsIn: file, limits: limits) {
            return PreparedImage(pixels: pixels, orientation: .up)
        }
        let isDigit = input.preprocessing == .digit
        let decoded = try ImageDecoder.decode(
            file, limits: limits, gray16: isDigit ? .highByte : .clipped,
            longestSide: isDigit ? DigitPreparation.workingSide : nil)
        return PreparedImage(pixels: try pixels(of: decoded), orientation: decoded.orientation)
    }

    /// The picture as the network sees it, still in 8 bits: upright, prepared, resized.
    ///
    /// - Throws: `InferenceError.noDigit` or `.severalDigits` for a digit's picture that doesn't show one.
    private func pixels(of image: DecodedImage) throws -> Image {
        switch input.preprocessing {
        case .digit:
            let digit = try DigitPreparation.prepared(image.upright)
            return digit.resized(width: input.width, height: input.height)
        case .photo:
            let upright = image.image.converted(to: input.channels == 1 ? .gray8 : .rgb8).oriented(
                by: image.orientation)
            return upright.brought(to: input)
        case .tensors: throw InferenceError.takesTensors(inputs: input.shownTensors)
        }
    }

    /// The same of a file whose rows can be reduced as they are decoded, in the memory of some rows; nil for others.
    ///
    /// - Throws: `ImageError`.
    private func pixels(ofRowsIn file: [UInt8], limits: ImageLimits) throws -> Image? {
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
