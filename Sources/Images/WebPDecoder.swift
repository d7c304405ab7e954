// SPDX-License-Identifier: MIT

import SystemCalls

/// WebP files to pixels, through libwebp, which is opened when the first such file comes.
enum WebPDecoder {
    static func decode(_ bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageError) -> DecodedImage {
        let library = try WebPLibrary.shared.get()
        let chunks = try WebPChunks(bytes)
        let features = try library.features(bytes)
        try limits.check(width: features.width, height: features.height)
        let image =
            features.isAnimation
            ? try firstPicture(bytes, chunks, features, library, limits) : try library.decode(bytes, features)
        return DecodedImage(image: image, orientation: chunks.orientation(in: bytes), format: .webp, warning: nil)
    }

    /// The first picture of an animation, on its canvas: what lies beside it is transparent.
    private static func firstPicture(
        _ bytes: UnsafeRawBufferPointer, _ chunks: WebPChunks, _ canvas: WebPLibrary.Features, _ library: WebPLibrary,
        _ limits: ImageLimits
    ) throws(ImageError) -> Image {
        let frame = try chunks.firstFrame(in: bytes)
        return try frame.file.withRawBytes { (file) throws(ImageError) in
            var features = try library.features(file)
            guard !features.isAnimation, frame.x + features.width <= canvas.width,
                frame.y + features.height <= canvas.height
            else { throw .corrupt(.webp, reason: "the animation's first picture does not fit its canvas") }
            // As the canvas has alpha or not, whatever the picture has.
            features.hasAlpha = true
            let picture = try library.decode(file, features)
            let whole = Image(width: canvas.width, height: canvas.height, format: .rgba8) { output in
                output.initialize(repeating: 0)
                for row in 0..<picture.height {
                    let first = ((frame.y + row) * canvas.width + frame.x) * 4
                    let target = UnsafeMutableBufferPointer(rebasing: output[first..<(first + picture.width * 4)])
                    let source = picture.pixels[(row * picture.width * 4)..<((row + 1) * picture.width * 4)]
                    _ = target.update(fromContentsOf: source)
                }
            }
            return canvas.hasAlpha ? whole : whole.converted(to: .rgb8)
        }
    }
}

/// The functions of libwebp that are used. They are looked up in the library, so their types are written out here.
///
/// - Source: `webp/decode.h`, version 1.2; its interface has been the same since 0.2.
struct WebPLibrary: Sendable {
    /// What a file's header says.
    struct Features {
        var width: Int
        var height: Int
        var hasAlpha: Bool
        var isAnimation: Bool
    }

    /// Opened at first use, once for all threads.
    static let shared = Result { () throws(ImageError) -> WebPLibrary in try WebPLibrary() }

    private typealias GetFeatures =
        @convention(c) (
            _ data: UnsafeRawPointer?, _ size: Int, _ features: UnsafeMutablePointer<Int32>?, _ version: Int32
        ) -> Int32
    private typealias DecodeInto =
        @convention(c) (
            _ data: UnsafeRawPointer?, _ size: Int, _ output: UnsafeMutablePointer<UInt8>?, _ outputSize: Int,
            _ stride: Int32
        ) -> UnsafeMutablePointer<UInt8>?

    private let getFeatures: GetFeatures
    private let decodeRGB: DecodeInto
    private let decodeRGBA: DecodeInto
    /// The version of the decoder's interface; the library refuses one whose upper byte differs from its own.
    private static let interfaceVersion: Int32 = 0x0209
    private static let package = "libwebp7"

    private init() throws(ImageError) {
        do throws(DynamicLibraryError) {
            let library = try DynamicLibrary("libwebp.so.7")
            getFeatures = unsafeBitCast(
                try library.requiredAddress(of: "WebPGetFeaturesInternal"), to: GetFeatures.self)
            decodeRGB = unsafeBitCast(try library.requiredAddress(of: "WebPDecodeRGBInto"), to: DecodeInto.self)
            decodeRGBA = unsafeBitCast(try library.requiredAddress(of: "WebPDecodeRGBAInto"), to: DecodeInto.self)
        } catch {
            throw .missingLibrary(.webp, package: Self.package, reason: error.message)
        }
    }

    func features(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> Features {
        // width, height, has_alpha, has_animation, format, and five that are kept for later.
        var fields = [Int32](repeating: 0, count: 10)
        let status = getFeatures(bytes.baseAddress, bytes.count, &fields, Self.interfaceVersion)
        guard status == 0, fields[0] > 0, fields[1] > 0 else { throw Self.failure(status, bytes.count) }
        return Features(
            width: Int(fields[0]), height: Int(fields[1]), hasAlpha: fields[2] != 0, isAnimation: fields[3] != 0)
    }

    func decode(_ bytes: UnsafeRawBufferPointer, _ features: Features) throws(ImageError) -> Image {
        let format: PixelFormat = features.hasAlpha ? .rgba8 : .rgb8
        let decode = features.hasAlpha ? decodeRGBA : decodeRGB
        var isDecoded = false
        let image = Image(width: features.width, height: features.height, format: format) { output in
            let stride = Int32(features.width * format.channels)
            isDecoded = decode(bytes.baseAddress, bytes.count, output.baseAddress, output.count, stride) != nil
            if !isDecoded { output.initialize(repeating: 0) }
        }
        guard isDecoded else { throw .corrupt(.webp, reason: "its picture can't be decoded, or is not whole") }
        return image
    }

    private static func failure(_ status: Int32, _ count: Int) -> ImageError {
        switch status {
        case 1: .corrupt(.webp, reason: "there is no memory for it")
        case 4: .unsupported(.webp, reason: "it uses a feature that libwebp does not have")
        case 7: .truncated(.webp, at: count, expected: "the rest of its header")
        default: .corrupt(.webp, reason: "its header can't be read")
        }
    }
}
