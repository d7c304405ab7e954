// SPDX-License-Identifier: MIT

/// What it takes to decode a file, told by its headers before anything is decoded.
package struct ImageCost: Sendable, Equatable {
    /// Bytes of memory at the same time: the picture in its own samples, unpacked, and in another format.
    package var bytes: Int
    /// Pixels that are gone over: those of the picture, times the passes over it.
    package var pixels: Int

    /// Reads the headers of a file. What is wrong with them the decoder says.
    ///
    /// - Parameter reducesRows: Whether rows are reduced as they come, where the file allows it.
    package init(of bytes: [UInt8], reducesRows: Bool) {
        self =
            bytes.withUnsafeBytes { buffer in
                switch ImageFormat.recognised(in: buffer) {
                case .png?: (try? PNGChunks(buffer)).map { ImageCost($0, reducesRows: reducesRows) }
                case .jpeg?: (try? JPEGSegments(buffer)).map(ImageCost.init)
                case .webp?: (try? WebPChunks(buffer))?.size(in: buffer).map(ImageCost.init(webp:))
                case .heic?, .avif?: HEIFHeader(buffer).map(ImageCost.init)
                case nil: nil
                }
            } ?? ImageCost(bytes: 0, pixels: 0)
    }

    private init(bytes: Int, pixels: Int) {
        self.bytes = bytes
        self.pixels = pixels
    }

    private init(_ chunks: PNGChunks, reducesRows: Bool) {
        let header = chunks.header
        let samples = PNGColorType(rawValue: header.colorType)?.samplesPerPixel ?? 4
        let rowBytes = header.width * samples * header.bitDepth / 8 + 1
        pixels = header.width.multipliedReportingOverflow(by: header.height).partialValue
        let isTurned = chunks.chunks.contains { ["eXIf", "tEXt", "zTXt", "iTXt"].contains($0.type) }
        if reducesRows, !header.isInterlaced, !isTurned {
            // Three packed rows, an unpacked and a converted one, weights and sums.
            bytes = 3 * rowBytes + 48 * header.width + (4 << 20)
        } else {
            let held = rowBytes + header.width * 8
            let (total, overflow) = held.multipliedReportingOverflow(by: header.height)
            bytes = overflow ? .max : total
        }
    }

    private init(webp size: (width: Int, height: Int)) {
        pixels = size.width * size.height
        // The decoder's four samples, the output's and those of a converted picture or an animation's canvas.
        bytes = pixels * 12
    }

    /// HEVC and AV1 take longer for a pixel than JPEG does.
    private static let passesOfHEIF = 4

    private init(_ header: HEIFHeader) {
        let (area, overflow) = header.width.multipliedReportingOverflow(by: header.height)
        let (all, tooMany) = area.multipliedReportingOverflow(by: 16)
        // Planes of 8 or 16 bits, the same in the colours and depth of the output, the output, and our copy of it.
        bytes = overflow || tooMany ? .max : all
        pixels = bytes / 16 * Self.passesOfHEIF
    }

    private init(_ segments: JPEGSegments) {
        let frame = segments.frame
        let area = frame.width * frame.height
        pixels = area * max(1, segments.scanCount - (frame.components.count - 1))
        let isInPasses = segments.scanCount > 1
        // Samples decoded and converted or turned; the coefficients of all blocks, where they come in several passes.
        bytes = area * max(frame.components.count, 1) * (isInPasses ? 4 : 2)
    }
}
