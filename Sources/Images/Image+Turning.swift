// SPDX-License-Identifier: MIT

extension Image {
    /// The picture turned counter-clockwise by 90 degrees, `quarterTurns` times; any integer is taken modulo 4.
    public func turned(_ quarterTurnsCounterclockwise: Int) -> Image {
        let right = width - 1
        let bottom = height - 1
        switch quarterTurnsCounterclockwise & 3 {
        case 1: return rearranged(swappingSides: true, origin: (right, 0), perColumn: (0, 1), perRow: (-1, 0))
        case 2: return rearranged(swappingSides: false, origin: (right, bottom), perColumn: (-1, 0), perRow: (0, -1))
        case 3: return rearranged(swappingSides: true, origin: (0, bottom), perColumn: (0, -1), perRow: (1, 0))
        default: return self
        }
    }

    /// The picture with left and right exchanged.
    public func mirrored() -> Image {
        rearranged(swappingSides: false, origin: (width - 1, 0), perColumn: (-1, 0), perRow: (0, 1))
    }

    /// The picture as its EXIF orientation asks to see it, as Pillow's `ImageOps.exif_transpose` shows it.
    public func oriented(by orientation: EXIFOrientation) -> Image {
        let unmirrored = orientation.isMirrored ? mirrored() : self
        return unmirrored.turned(orientation.quarterTurnsCounterclockwise)
    }

    /// The rectangle whose top left pixel is (`x`, `y`).
    ///
    /// - Precondition: The rectangle has at least one pixel and lies within the picture.
    public func cropped(x: Int, y: Int, width: Int, height: Int) -> Image {
        precondition(
            x >= 0 && y >= 0 && width > 0 && height > 0 && x <= self.width - width && y <= self.height - height,
            "a crop lies within its image")
        let channels = format.channels
        return Image(width: width, height: height, format: format) { output in
            for row in 0..<height {
                let start = ((y + row) * self.width + x) * channels
                let bytes = width * channels
                let target = UnsafeMutableBufferPointer(rebasing: output[(row * bytes)..<((row + 1) * bytes)])
                _ = target.initialize(fromContentsOf: pixels[start..<(start + bytes)])
            }
        }
    }

    /// Copies each pixel from where a walk over the source stands: it begins at `origin` and moves by `perColumn` for
    /// each pixel of a row and by `perRow` for each row of the result.
    private func rearranged(
        swappingSides: Bool, origin: (x: Int, y: Int), perColumn: (x: Int, y: Int), perRow: (x: Int, y: Int)
    ) -> Image {
        let channels = format.channels
        let columnStep = (perColumn.y * width + perColumn.x) * channels
        let rowStep = (perRow.y * width + perRow.x) * channels
        let start = (origin.y * width + origin.x) * channels
        let newWidth = swappingSides ? height : width
        let newHeight = swappingSides ? width : height
        return Image(width: newWidth, height: newHeight, format: format) { output in
            pixels.withUnsafeBufferPointer { input in
                var target = output.baseAddress.unsafelyUnwrapped
                for row in 0..<newHeight {
                    var source = input.baseAddress.unsafelyUnwrapped + (start + row * rowStep)
                    for column in 0..<newWidth {
                        for channel in 0..<channels { target[channel] = source[channel] }
                        target += channels
                        if column + 1 < newWidth { source += columnStep }
                    }
                }
            }
        }
    }
}
