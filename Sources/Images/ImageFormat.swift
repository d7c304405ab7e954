// SPDX-License-Identifier: MIT

/// The encoded formats that are read; PNG and JPEG are written too.
public enum ImageFormat: String, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// Portable Network Graphics, ISO/IEC 15948.
    case png = "PNG"
    /// JPEG, ISO/IEC 10918, in JFIF, EXIF or Adobe wrapping.
    case jpeg = "JPEG"
    /// WebP, lossy or lossless; of an animation the first picture.
    case webp = "WebP"
    /// HEIF, ISO/IEC 23008-12, with pictures in HEVC: what iPhones take.
    case heic = "HEIC"
    /// HEIF with pictures in AV1.
    case avif = "AVIF"

    /// The format's usual name, such as "PNG".
    public var description: String { rawValue }

    /// The format's media type, such as "image/png".
    public var mediaType: String {
        switch self {
        case .png: "image/png"
        case .jpeg: "image/jpeg"
        case .webp: "image/webp"
        case .heic: "image/heic"
        case .avif: "image/avif"
        }
    }

    /// Endings of names that files of the formats bear, in lower case and without the dot.
    public static let fileExtensions: Set<String> = [
        "png", "jpg", "jpeg", "jpe", "jfif", "webp", "heic", "heif", "hif", "avif",
    ]

    /// The format that the first bytes announce, whatever the file is called; nil if they announce none.
    public static func recognised(in bytes: UnsafeRawBufferPointer) -> ImageFormat? {
        if bytes.starts(with: PNGChunks.signature) { return .png }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if WebPChunks.isWebP(bytes) { return .webp }
        return HEIFBrands(bytes)?.format
    }

    /// The format of a file.
    ///
    /// - Throws: `ImageError.unread` where it is one that is known and not read, `.unrecognised` for any other.
    init(of bytes: UnsafeRawBufferPointer) throws(ImageError) {
        guard let format = Self.recognised(in: bytes) else {
            if let name = ForeignFormat.name(of: bytes) { throw .unread(format: name) }
            throw .unrecognised(firstBytes: Array(bytes.prefix(8)))
        }
        self = format
    }
}
