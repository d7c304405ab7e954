// SPDX-License-Identifier: MIT

import CSpng

/// One encoding context of libspng, freed with its owner, that collects the file's bytes.
final class SpngWriter {
    private let context: OpaquePointer
    private var bytes: [UInt8] = []

    init(_ image: Image) throws(ImageError) {
        guard let context = spng_ctx_new(CInt(SPNG_CTX_ENCODER.rawValue)),
            let width = UInt32(exactly: image.width), let height = UInt32(exactly: image.height)
        else { throw .encodingFailed(.png, reason: "no memory for the codec, or a side is too long") }
        self.context = context
        var header = spng_ihdr()
        header.width = width
        header.height = height
        header.bit_depth = 8
        header.color_type = UInt8(Self.colorType(of: image.format).rawValue)
        try check(spng_set_ihdr(context, &header))
    }

    deinit {
        spng_ctx_free(context)
    }

    /// The whole file, made of the rows of samples.
    func encode(_ pixels: [UInt8]) throws(ImageError) -> [UInt8] {
        let append: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int) -> CInt = {
            _, user, source, count in
            guard let user, let source else { return CInt(SPNG_IO_ERROR.rawValue) }
            let writer = Unmanaged<SpngWriter>.fromOpaque(user).takeUnretainedValue()
            writer.bytes.append(contentsOf: UnsafeRawBufferPointer(start: source, count: count))
            return 0
        }
        try check(spng_set_png_stream(context, append, Unmanaged.passUnretained(self).toOpaque()))
        let finalize = CInt(SPNG_ENCODE_FINALIZE.rawValue)
        try check(spng_encode_image(context, pixels, pixels.count, CInt(SPNG_FMT_PNG.rawValue), finalize))
        return bytes
    }

    private func check(_ result: CInt) throws(ImageError) {
        guard result != 0 else { return }
        throw .encodingFailed(.png, reason: String(cString: spng_strerror(result)))
    }

    private static func colorType(of format: PixelFormat) -> spng_color_type {
        switch format {
        case .gray8: SPNG_COLOR_TYPE_GRAYSCALE
        case .grayAlpha8: SPNG_COLOR_TYPE_GRAYSCALE_ALPHA
        case .rgb8: SPNG_COLOR_TYPE_TRUECOLOR
        case .rgba8: SPNG_COLOR_TYPE_TRUECOLOR_ALPHA
        }
    }
}
