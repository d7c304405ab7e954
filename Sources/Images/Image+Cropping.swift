// SPDX-License-Identifier: MIT

extension Image {
    /// A part of the picture.
    ///
    /// - Precondition: It lies inside.
    public func cropped(left: Int, top: Int, width: Int, height: Int) -> Image {
        precondition(
            left >= 0 && top >= 0 && width > 0 && height > 0 && left + width <= self.width
                && top + height <= self.height,
            "a part of \(width)x\(height) at \(left), \(top) of a picture of \(self.width)x\(self.height)")
        return Image(width: width, height: height, format: format) { output in
            copyRows(to: output, from: (left, top), to: (0, 0), width: width, height: height, outputWidth: width)
        }
    }

    /// The picture in the middle of a larger one, whose rest is of one value in all channels.
    ///
    /// - Precondition: It fits.
    public func padded(toWidth newWidth: Int, height newHeight: Int, value: UInt8) -> Image {
        precondition(newWidth >= width && newHeight >= height, "a picture is padded to a larger one")
        return Image(width: newWidth, height: newHeight, format: format) { output in
            output.update(repeating: value)
            copyRows(
                to: output, from: (0, 0), to: ((newWidth - width) / 2, (newHeight - height) / 2), width: width,
                height: height, outputWidth: newWidth)
        }
    }

    /// The picture in another size, each pixel that of the old one in which its middle lies: Pillow's NEAREST.
    public func resizedToNearest(width newWidth: Int, height newHeight: Int) -> Image {
        precondition(newWidth > 0 && newHeight > 0, "an image has at least one pixel")
        let columns = (0..<newWidth).map { (2 * $0 + 1) * width / (2 * newWidth) }
        let channels = format.channels
        return Image(width: newWidth, height: newHeight, format: format) { output in
            for row in 0..<newHeight {
                let source = (2 * row + 1) * height / (2 * newHeight) * width
                for (column, sourceColumn) in columns.enumerated() {
                    for channel in 0..<channels {
                        output[(row * newWidth + column) * channels + channel] =
                            pixels[(source + sourceColumn) * channels + channel]
                    }
                }
            }
        }
    }

    private func copyRows(
        to output: UnsafeMutableBufferPointer<UInt8>, from source: (left: Int, top: Int),
        to target: (left: Int, top: Int), width: Int, height: Int, outputWidth: Int
    ) {
        let channels = format.channels
        pixels.withUnsafeBufferPointer { pixels in
            guard let input = pixels.baseAddress, let base = output.baseAddress else { return }
            for row in 0..<height {
                (base + ((target.top + row) * outputWidth + target.left) * channels).update(
                    from: input + ((source.top + row) * self.width + source.left) * channels, count: width * channels)
            }
        }
    }
}
