// SPDX-License-Identifier: MIT

import CSpng

/// One decoding context of libspng, freed with its owner.
final class SpngReader {
    private let context: OpaquePointer

    /// Bytes that one ancillary chunk may unpack to, and all of them together: guards against bombs in text chunks.
    private static let maxChunkBytes = 64 << 20

    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        guard let context = spng_ctx_new(0) else { throw .corrupt(.png, reason: "no memory for the codec") }
        self.context = context
        try check(spng_set_crc_action(context, CInt(SPNG_CRC_ERROR.rawValue), CInt(SPNG_CRC_ERROR.rawValue)))
        try check(spng_set_image_limits(context, UInt32(Int32.max), UInt32(Int32.max)))
        try check(spng_set_chunk_limits(context, Self.maxChunkBytes, Self.maxChunkBytes))
        try check(spng_set_png_buffer(context, bytes.baseAddress, bytes.count))
    }

    deinit {
        spng_ctx_free(context)
    }

    func palette() throws(ImageError) -> spng_plte? {
        var palette = spng_plte()
        return try isPresent(spng_get_plte(context, &palette)) ? palette : nil
    }

    func transparency() throws(ImageError) -> spng_trns? {
        var transparency = spng_trns()
        return try isPresent(spng_get_trns(context, &transparency)) ? transparency : nil
    }

    /// The rows as the file packs them: bits from the high end, 16-bit samples big-endian, no filter bytes.
    ///
    /// - Parameter header: The file's.
    func decodeRows(of header: PNGChunks.Header) throws(ImageError) -> [UInt8] {
        let format = CInt(SPNG_FMT_RAW.rawValue)
        var count = 0
        try check(spng_decoded_image_size(context, format, &count))
        var result: CInt = 0
        let rows = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            // Interlaced samples of less than a byte are added to what is there bit by bit.
            if header.isInterlaced && header.bitDepth < 8 { buffer.initialize(repeating: 0) }
            result = spng_decode_image(context, buffer.baseAddress, count, format, 0)
            initialized = result == 0 ? count : 0
        }
        try check(result)
        try check(spng_decode_chunks(context))
        return rows
    }

    /// Hands over the rows as the file packs them, one after the other.
    ///
    /// - Parameter header: The file's, not interlaced.
    func decodeEachRow(
        of header: PNGChunks.Header, _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(ImageError) {
        let format = CInt(SPNG_FMT_RAW.rawValue)
        var count = 0
        try check(spng_decoded_image_size(context, format, &count))
        try check(spng_decode_image(context, nil, 0, format, CInt(SPNG_DECODE_PROGRESSIVE.rawValue)))
        var row = [UInt8](repeating: 0, count: count / header.height)
        for number in 0..<header.height {
            let result = spng_decode_row(context, &row, row.count)
            // The last row says that the image ends.
            if result != SPNG_EOI.rawValue || number < header.height - 1 { try check(result) }
            row.withUnsafeBufferPointer(body)
        }
        try check(spng_decode_chunks(context))
    }

    /// Keyword and text of each text chunk, unpacked.
    func texts() throws(ImageError) -> [(keyword: String, text: [UInt8])] {
        var count: UInt32 = 0
        guard try isPresent(spng_get_text(context, nil, &count)), count > 0 else { return [] }
        var texts = [spng_text](repeating: spng_text(), count: Int(count))
        try check(spng_get_text(context, &texts, &count))
        return texts.map { text in
            let keyword = withUnsafeBytes(of: text.keyword) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return (keyword, Array(UnsafeRawBufferPointer(start: text.text, count: text.length)))
        }
    }

    private func isPresent(_ result: CInt) throws(ImageError) -> Bool {
        if result == SPNG_ECHUNKAVAIL.rawValue { return false }
        try check(result)
        return true
    }

    private func check(_ result: CInt) throws(ImageError) {
        guard result != 0 else { return }
        throw .corrupt(.png, reason: String(cString: spng_strerror(result)))
    }
}
