// SPDX-License-Identifier: MIT

/// The rows of a PNG picture as the file packs them: bits from the high end, each row from a whole byte.
struct PNGSamples {
    let header: PNGChunks.Header
    let rows: [UInt8]

    private var bitsPerPixel: Int {
        PNGColorType(accepted: header.colorType).samplesPerPixel * header.bitDepth
    }

    /// The same samples turned, not interlaced.
    func turned(by turning: Turning) -> PNGSamples {
        let packsPixels = bitsPerPixel < 8
        let source = packsPixels ? unpacked() : rows
        let bytesPerPixel = packsPixels ? 1 : bitsPerPixel / 8
        let turned = [UInt8](unsafeUninitializedCapacity: source.count) { output, initialized in
            source.withUnsafeBufferPointer { input in
                turning.copy(
                    input, to: UnsafeMutableBufferPointer(rebasing: output[..<source.count]), width: header.width,
                    height: header.height, bytesPerPixel: bytesPerPixel)
            }
            initialized = source.count
        }
        var newHeader = header
        newHeader.isInterlaced = false
        if turning.swapsSides { swap(&newHeader.width, &newHeader.height) }
        return PNGSamples(header: newHeader, rows: packsPixels ? packed(turned, newHeader) : turned)
    }

    /// A byte for each pixel, of pixels smaller than a byte.
    private func unpacked() -> [UInt8] {
        let bytesPerRow = rows.count / header.height
        let mask = UInt8(1 << bitsPerPixel - 1)
        return (0..<header.height).flatMap { row in
            (0..<header.width).lazy.map { column in
                let bit = column * bitsPerPixel
                return rows[row * bytesPerRow + bit / 8] >> UInt8(8 - bitsPerPixel - bit % 8) & mask
            }
        }
    }

    /// Rows of such pixels, packed again.
    private func packed(_ pixels: [UInt8], _ header: PNGChunks.Header) -> [UInt8] {
        let bytesPerRow = (header.width * bitsPerPixel + 7) / 8
        var result = [UInt8](repeating: 0, count: bytesPerRow * header.height)
        for row in 0..<header.height {
            for column in 0..<header.width {
                let bit = column * bitsPerPixel
                let value = pixels[row * header.width + column] << UInt8(8 - bitsPerPixel - bit % 8)
                result[row * bytesPerRow + bit / 8] |= value
            }
        }
        return result
    }
}
