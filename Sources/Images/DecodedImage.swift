// SPDX-License-Identifier: MIT

/// What a file held: pixels as stored, and how they are to be seen.
public struct DecodedImage: Sendable, Equatable {
    /// The stored pixels, not yet turned.
    public let image: Image
    /// How the picture is to be turned, from EXIF or else XMP; `.up` where neither says so in a readable way.
    public let orientation: EXIFOrientation
    /// The format of the file.
    public let format: ImageFormat
    /// The decoder's first complaint about damage that it could pass over, as Pillow does; nil for a sound file.
    public let warning: String?

    /// The picture as it is to be seen: orientation applied.
    public var upright: Image { image.oriented(by: orientation) }
}
