// SPDX-License-Identifier: MIT

/// The encoded formats that are read and written.
public enum ImageFormat: String, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// Portable Network Graphics, ISO/IEC 15948.
    case png = "PNG"
    /// JPEG, ISO/IEC 10918, in JFIF, EXIF or Adobe wrapping.
    case jpeg = "JPEG"

    /// The format's usual name, "PNG" or "JPEG".
    public var description: String { rawValue }

    /// The format that the first bytes announce, whatever the file is called; nil if they announce none.
    public static func recognised(in bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        if bytes.starts(with: PNGChunks.signature) { return .png }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        return nil
    }
}
