// SPDX-License-Identifier: MIT

import CSpng

/// How the packed rows of one PNG file are to be read: its samples, palette and transparent colour.
struct PNGLayout {
    let width: Int
    let height: Int
    private let bitDepth: Int
    private let colorType: PNGColorType
    private let palette: [UInt8]
    private let transparentColor: [Int]?
    private let gray16: Gray16Conversion

    /// The pixel format of the result: with alpha where the file has alpha, a transparent colour or palette entry.
    let format: PixelFormat

    /// - Precondition: The decoder has accepted the header, so bit depth and colour type fit each other.
    init(header: PNGChunks.Header, palette: spng_plte?, transparency: spng_trns?, gray16: Gray16Conversion) {
        width = header.width
        height = header.height
        bitDepth = header.bitDepth
        self.gray16 = gray16
        colorType = PNGColorType(accepted: header.colorType)
        self.palette = colorType == .palette ? Self.rgba(palette, transparency) : []
        switch (colorType, transparency) {
        case (.gray, let key?): transparentColor = [Int(key.gray)]
        case (.rgb, let key?): transparentColor = [Int(key.red), Int(key.green), Int(key.blue)]
        default: transparentColor = nil
        }
        switch colorType {
        case .gray: format = transparency == nil ? .gray8 : .grayAlpha8
        case .grayAlpha: format = .grayAlpha8
        case .rgb, .palette: format = transparency == nil ? .rgb8 : .rgba8
        case .rgba: format = .rgba8
        }
    }

    /// Unpacks the rows; 8-bit samples without palette or transparent colour are taken as they are.
    func image(fromRows rows: [UInt8]) -> Image {
        if bitDepth == 8, colorType != .palette, transparentColor == nil,
            let image = try? Image(width: width, height: height, format: format, pixels: rows)
        {
            return image
        }
        let bytesPerRow = rows.count / height
        return Image(width: width, height: height, format: format) { output in
            rows.withUnsafeBufferPointer { input in
                for row in 0..<height {
                    let source = UnsafeBufferPointer(rebasing: input[(row * bytesPerRow)...])
                    let targetBytes = width * format.channels
                    let target = UnsafeMutableBufferPointer(rebasing: output[(row * targetBytes)...])
                    unpack(source, to: target)
                }
            }
        }
    }

    /// Unpacks one row.
    func unpack(_ source: UnsafeBufferPointer<UInt8>, to target: UnsafeMutableBufferPointer<UInt8>) {
        if bitDepth == 8, colorType != .palette, transparentColor == nil {
            _ = target.update(fromContentsOf: source[..<(width * format.channels)])
        } else if colorType == .palette {
            unpackIndices(source, target)
        } else {
            unpackSamples(source, target)
        }
    }

    private func unpackIndices(_ source: UnsafeBufferPointer<UInt8>, _ target: UnsafeMutableBufferPointer<UInt8>) {
        let (channels, isByte) = (format.channels, bitDepth == 8)
        palette.withUnsafeBufferPointer { palette in
            for column in 0..<width {
                let index = isByte ? Int(source[column]) : value(source, column)
                let (entry, place) = (index * 4, column * channels)
                for channel in 0..<3 { target[place + channel] = palette[entry + channel] }
                if channels == 4 { target[place + 3] = palette[entry + 3] }
            }
        }
    }

    private func unpackSamples(_ source: UnsafeBufferPointer<UInt8>, _ target: UnsafeMutableBufferPointer<UInt8>) {
        let stored = colorType.samplesPerPixel
        for column in 0..<width {
            var isTransparent = transparentColor != nil
            for channel in 0..<stored {
                let value = value(source, column * stored + channel)
                target[column * format.channels + channel] = reduced(value)
                if let key = transparentColor, key[channel] != value { isTransparent = false }
            }
            if transparentColor != nil { target[column * format.channels + stored] = isTransparent ? 0 : 255 }
        }
    }

    /// The sample at `index` of a row, in its own bit depth.
    private func value(_ row: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
        switch bitDepth {
        case 16: return Int(row[index * 2]) << 8 | Int(row[index * 2 + 1])
        case 8: return Int(row[index])
        default:
            let perByte = 8 / bitDepth
            let shift = 8 - bitDepth * (index % perByte + 1)
            return Int(row[index / perByte]) >> shift & ((1 << bitDepth) - 1)
        }
    }

    /// A sample in 8 bits: small depths are stretched to the full range.
    private func reduced(_ value: Int) -> UInt8 {
        switch bitDepth {
        case 16: UInt8(colorType == .gray && gray16 == .clipped ? min(value, 255) : value >> 8)
        case 8: UInt8(value)
        default: UInt8(value * (255 / ((1 << bitDepth) - 1)))
        }
    }

    /// All 256 entries as red, green, blue, alpha; entries that the file leaves out are opaque black, as in Pillow.
    private static func rgba(_ palette: spng_plte?, _ transparency: spng_trns?) -> [UInt8] {
        var table = [UInt8](repeating: 0, count: 256 * 4)
        for entry in 0..<256 { table[entry * 4 + 3] = 255 }
        if var palette {
            withUnsafeBytes(of: &palette.entries) { entries in
                let colors = entries.bindMemory(to: spng_plte_entry.self).prefix(Int(palette.n_entries))
                for (index, color) in colors.enumerated() {
                    table.replaceSubrange((index * 4)..<(index * 4 + 3), with: [color.red, color.green, color.blue])
                }
            }
        }
        if var transparency {
            withUnsafeBytes(of: &transparency.type3_alpha) { alphas in
                for (index, alpha) in alphas.prefix(Int(transparency.n_type3_entries)).enumerated() {
                    table[index * 4 + 3] = alpha
                }
            }
        }
        return table
    }
}
