// SPDX-License-Identifier: MIT

extension Image {
    /// The picture turned counter-clockwise by 90 degrees, `quarterTurns` times; any integer is taken modulo 4.
    public func turned(_ quarterTurnsCounterclockwise: Int) -> Image {
        turned(by: Turning(quarterTurnsCounterclockwise: quarterTurnsCounterclockwise))
    }

    /// The picture with left and right exchanged.
    public func mirrored() -> Image {
        turned(by: Turning(isMirrored: true, quarterTurnsCounterclockwise: 0))
    }

    /// The picture as its EXIF orientation asks to see it, as Pillow's `ImageOps.exif_transpose` shows it.
    public func oriented(by orientation: EXIFOrientation) -> Image {
        turned(by: Turning(orientation))
    }

    func turned(by turning: Turning) -> Image {
        if turning.isIdentity { return self }
        let (newWidth, newHeight) = turning.swapsSides ? (height, width) : (width, height)
        return Image(width: newWidth, height: newHeight, format: format) { output in
            pixels.withUnsafeBufferPointer { input in
                turning.copy(input, to: output, width: width, height: height, bytesPerPixel: format.channels)
            }
        }
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
}
