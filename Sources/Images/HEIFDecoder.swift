// SPDX-License-Identifier: MIT

import CHeif
import SystemCalls

/// HEIC and AVIF files to pixels, through libheif, which is opened when the first such file comes.
///
/// The picture is turned as its container asks for, so it is upright: what its EXIF data say besides counts for nothing.
enum HEIFDecoder {
    static func decode(_ bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(ImageError) -> DecodedImage {
        let format = try ImageFormat(of: bytes)
        let library = try HEIFLibrary.opened(for: format)
        let context = try HEIFContext(bytes, format, library)
        let size = context.size
        guard size.width > 0, size.height > 0 else { throw .corrupt(format, reason: "it has no pixels") }
        try limits.check(width: size.width, height: size.height)
        return DecodedImage(image: try context.decode(), orientation: .up, format: format, warning: nil)
    }
}

/// A file that libheif has read, and its main picture.
private final class HEIFContext {
    private let library: HEIFLibrary
    private let format: ImageFormat
    private let context: OpaquePointer
    private var handle: OpaquePointer?

    /// - Parameter bytes: Must outlive the context.
    init(_ bytes: UnsafeRawBufferPointer, _ format: ImageFormat, _ library: HEIFLibrary) throws(ImageError) {
        guard let context = library.makeContext() else { throw .corrupt(format, reason: "there is no memory for it") }
        self.library = library
        self.format = format
        self.context = context
        try check(library.read(context, bytes.baseAddress, bytes.count, nil))
        try check(library.getPrimaryHandle(context, &handle))
        guard handle != nil else { throw .corrupt(format, reason: "it has no main picture") }
    }

    deinit {
        if let handle { library.releaseHandle(handle) }
        library.freeContext(context)
    }

    /// As the picture is seen: turned.
    var size: (width: Int, height: Int) { (Int(library.width(handle)), Int(library.height(handle))) }

    func decode() throws(ImageError) -> Image {
        let hasAlpha = library.hasAlpha(handle) != 0
        guard let options = library.makeOptions() else { throw .corrupt(format, reason: "there is no memory for it") }
        defer { library.freeOptions(options) }
        HEIFLibrary.convertTo8Bits(options)
        var image: OpaquePointer?
        try check(
            library.decode(
                handle, &image, HEIFLibrary.rgb,
                hasAlpha ? HEIFLibrary.interleavedRGBA : HEIFLibrary.interleavedRGB, options))
        guard let image else { throw .corrupt(format, reason: "its picture can't be decoded") }
        defer { library.releaseImage(image) }
        var stride: Int32 = 0
        let width = Int(library.imageWidth(image, HEIFLibrary.interleaved))
        let height = Int(library.imageHeight(image, HEIFLibrary.interleaved))
        let pixelFormat: PixelFormat = hasAlpha ? .rgba8 : .rgb8
        let rowBytes = width * pixelFormat.channels
        guard let plane = library.plane(image, HEIFLibrary.interleaved, &stride), (width, height) == size,
            Int(stride) >= rowBytes
        else { throw .corrupt(format, reason: "its picture is not of the size that it states") }
        return Image(width: width, height: height, format: pixelFormat) { output in
            for row in 0..<height {
                let source = UnsafeBufferPointer(start: plane + row * Int(stride), count: rowBytes)
                let target = UnsafeMutableBufferPointer(rebasing: output[(row * rowBytes)..<((row + 1) * rowBytes)])
                _ = target.initialize(fromContentsOf: source)
            }
        }
    }

    private func check(_ error: CHeif.heif_error) throws(ImageError) {
        guard error.code != 0 else { return }
        let text = error.message.map { String(cString: $0) } ?? "error \(error.code)"
        let message = text.split { $0.isWhitespace }.joined(separator: " ")
        switch error.code {
        case 3:
            throw .unsupported(format, reason: message)
        case 4:
            let plugin = format == .avif ? "libheif-plugin-dav1d" : "libheif-plugin-libde265"
            throw .unsupported(
                format, reason: "\(message); if libheif lacks a decoder for it, the Debian package \(plugin) brings one"
            )
        default:
            throw .corrupt(format, reason: message)
        }
    }
}
