// SPDX-License-Identifier: MIT

import CSpng

/// One encoding context of libspng, freed with its owner, that collects the file's bytes.
final class SpngWriter {
    private let context: OpaquePointer
    private var bytes: [UInt8] = []

    convenience init(_ image: Image) throws(ImageError) {
        let header = PNGChunks.Header(
            width: image.width, height: image.height, bitDepth: 8, colorType: PNGColorType(image.format).rawValue,
            isInterlaced: false)
        try self.init(header, palette: nil)
    }

    /// - Parameter palette: For the palette's colour type, and only for it.
    init(_ header: PNGChunks.Header, palette: spng_plte?) throws(ImageError) {
        guard let context = spng_ctx_new(CInt(SPNG_CTX_ENCODER.rawValue)) else {
            throw .encodingFailed(.png, reason: "no memory for the codec")
        }
        self.context = context
        guard let width = UInt32(exactly: header.width), let height = UInt32(exactly: header.height) else {
            throw .encodingFailed(.png, reason: "a side is too long")
        }
        var fields = spng_ihdr()
        fields.width = width
        fields.height = height
        fields.bit_depth = UInt8(truncatingIfNeeded: header.bitDepth)
        fields.color_type = UInt8(truncatingIfNeeded: header.colorType)
        try check(spng_set_ihdr(context, &fields))
        if var palette { try check(spng_set_plte(context, &palette)) }
    }

    deinit {
        spng_ctx_free(context)
    }

    /// The whole file, made of rows as the file packs them, 16-bit samples big-endian.
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
        try check(spng_encode_image(context, pixels, pixels.count, CInt(SPNG_FMT_RAW.rawValue), finalize))
        return bytes
    }

    private func check(_ result: CInt) throws(ImageError) {
        guard result != 0 else { return }
        throw .encodingFailed(.png, reason: String(cString: spng_strerror(result)))
    }
}
