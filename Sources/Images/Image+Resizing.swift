// SPDX-License-Identifier: MIT

extension Image {
    /// The picture in another size, bit for bit what Pillow's `Image.resize` gives.
    ///
    /// Two passes, one per axis; a pass whose axis keeps its size is left out. Each pass sums 8-bit samples by integer
    /// weights and rounds to 8 bits. Colours are multiplied by alpha before and divided by it afterwards.
    ///
    /// - Parameters:
    ///   - width: New width in pixels, at least 1.
    ///   - height: New height in pixels, at least 1.
    ///   - filter: The shape of the neighbourhood.
    ///   - passOrder: Which axis comes first; Pillow changed it in version 13.
    /// - Precondition: Both sides are at least 1.
    /// - Source: Pillow's `Resample.c`.
    public func resized(
        width: Int, height: Int, filter: ResizeFilter = .bilinear, passOrder: ResizePassOrder = .pillow13
    ) -> Image {
        precondition(width > 0 && height > 0, "an image has at least one pixel")
        if width == self.width && height == self.height { return self }
        if format.hasAlpha {
            return premultiplied().resizedPlainly(width, height, filter, passOrder).unpremultiplied()
        }
        return resizedPlainly(width, height, filter, passOrder)
    }

    private func resizedPlainly(
        _ width: Int, _ height: Int, _ filter: ResizeFilter, _ order: ResizePassOrder
    ) -> Image {
        if order.resizesHeightFirst(from: (self.width, self.height), to: (width, height)) {
            return resizedVertically(to: height, filter).resizedHorizontally(to: width, filter)
        }
        return resizedHorizontally(to: width, filter).resizedVertically(to: height, filter)
    }

    private func resizedHorizontally(to newWidth: Int, _ filter: ResizeFilter) -> Image {
        guard newWidth != width else { return self }
        let weights = ResizeWeights(from: width, to: newWidth, filter: filter)
        return Image(width: newWidth, height: height, format: format) { output in
            pixels.withUnsafeBufferPointer { input in
                for row in 0..<height {
                    let source = input.baseAddress.unsafelyUnwrapped + row * bytesPerRow
                    let target = output.baseAddress.unsafelyUnwrapped + row * newWidth * format.channels
                    switch format {
                    case .gray8: ResizePass.resizeRow1(source, target, weights)
                    case .grayAlpha8: ResizePass.resizeRow2(source, target, weights)
                    case .rgb8: ResizePass.resizeRow3(source, target, weights)
                    case .rgba8: ResizePass.resizeRow4(source, target, weights)
                    }
                }
            }
        }
    }

    func resizedVertically(to newHeight: Int, _ filter: ResizeFilter) -> Image {
        guard newHeight != height else { return self }
        let weights = ResizeWeights(from: height, to: newHeight, filter: filter)
        return Image(width: width, height: newHeight, format: format) { output in
            pixels.withUnsafeBufferPointer { input in
                ResizePass.resizeColumns(
                    input.baseAddress.unsafelyUnwrapped, output.baseAddress.unsafelyUnwrapped,
                    bytesPerRow: bytesPerRow, weights)
            }
        }
    }

    /// Colours multiplied by opacity, rounded as Pillow's `MULDIV255`.
    private func premultiplied() -> Image {
        mapColors { color, alpha in
            let product = color * alpha + 128
            return ((product >> 8) + product) >> 8
        }
    }

    /// Colours divided by opacity, truncated and clamped; a fully transparent pixel keeps its bytes.
    private func unpremultiplied() -> Image {
        mapColors { color, alpha in alpha == 0 ? color : min(255, color * 255 / alpha) }
    }

    private func mapColors(_ transform: (_ color: Int, _ alpha: Int) -> Int) -> Image {
        let channels = format.channels
        return Image(width: width, height: height, format: format) { output in
            for pixel in 0..<(width * height) {
                let alpha = pixels[pixel * channels + channels - 1]
                for channel in 0..<(channels - 1) {
                    let color = Int(pixels[pixel * channels + channel])
                    output[pixel * channels + channel] = UInt8(transform(color, Int(alpha)))
                }
                output[pixel * channels + channels - 1] = alpha
            }
        }
    }
}
