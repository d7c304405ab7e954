// SPDX-License-Identifier: MIT

/// Why bytes could not become pixels, or pixels could not become bytes.
public enum ImageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There are no bytes at all.
    case empty
    /// The bytes begin like no format that this library reads; `firstBytes` are at most the first eight.
    case unrecognised(firstBytes: [UInt8])
    /// The file is of a format that is known and not read; its name with an article, such as "a GIF image".
    case unread(format: String)
    /// The library that reads a format is not there, or can't be used.
    case missingLibrary(ImageFormat, package: String, reason: String)
    /// The encoded file is longer than `ImageLimits.maxBytes`.
    case tooManyBytes(actual: Int, maxBytes: Int)
    /// The header announces more pixels than `ImageLimits.maxPixels`; nothing was allocated.
    case tooManyPixels(width: Int, height: Int, maxPixels: Int)
    /// The file ends before its image does.
    case truncated(ImageFormat, at: Int, expected: String)
    /// The bytes break the rules of their format.
    case corrupt(ImageFormat, reason: String)
    /// A legal variant of the format that is not read, for example twelve-bit JPEG.
    case unsupported(ImageFormat, reason: String)
    /// Width, height and the number of pixel bytes do not fit each other.
    case invalidDimensions(width: Int, height: Int, bytes: Int)
    /// The encoder refused the image.
    case encodingFailed(ImageFormat, reason: String)
    /// The picture cannot be turned without a loss: its size is no multiple of the JPEG's block.
    case partialBlocks(width: Int, height: Int, blockWidth: Int, blockHeight: Int)
    /// What follows the picture in a JPEG can't be kept as it should be.
    case extras(reason: String)

    private static let expected = "expected a PNG, JPEG, WebP, HEIC or AVIF image"

    /// One sentence: what is wrong, where, and what was expected.
    public var description: String {
        switch self {
        case .empty:
            "the file is empty; \(Self.expected)"
        case .unrecognised(let firstBytes):
            "not an image that can be read: it begins with \(Self.quoted(firstBytes)); \(Self.expected)"
        case .unread(let format):
            "\(format), which is not read; convert it to PNG or JPEG"
        case .missingLibrary(let format, let package, let reason):
            "reading \(format) needs the Debian package \(package): \(reason)"
        case .tooManyBytes(let actual, let maxBytes):
            "the file has \(actual) bytes, more than the limit of \(maxBytes) (maxBytes)"
        case .tooManyPixels(let width, let height, let maxPixels):
            "the header announces \(width) x \(height) pixels, more than the limit of \(maxPixels) (maxPixels)"
        case .truncated(let format, let offset, let expected):
            "truncated \(format) image: it ends at byte \(offset) where \(expected) was expected"
        case .corrupt(let format, let reason):
            "corrupt \(format) image: \(reason)"
        case .unsupported(let format, let reason):
            "unsupported \(format) image: \(reason)"
        case .invalidDimensions(let width, let height, let bytes):
            "\(width) x \(height) pixels cannot be made of \(bytes) bytes"
        case .encodingFailed(let format, let reason):
            "the image could not be written as \(format): \(reason)"
        case .partialBlocks(let width, let height, let blockWidth, let blockHeight):
            "a JPEG of \(width) x \(height) pixels cannot be turned without a loss: "
                + "its size is no multiple of its \(blockWidth) x \(blockHeight) blocks"
        case .extras(let reason):
            "what follows the picture in the file can't be kept: \(reason)"
        }
    }

    /// Printable ASCII as text, anything else as hexadecimal bytes.
    private static func quoted(_ bytes: [UInt8]) -> String {
        if bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) {
            return "\"" + String(decoding: bytes, as: UTF8.self) + "\""
        }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
