// SPDX-License-Identifier: MIT

import CHeif
import SystemCalls

/// The functions of libheif that are used. They are looked up in the library, so their types are written out here.
///
/// - Source: `libheif/heif.h`, version 1.15; all of it is in later versions too.
struct HEIFLibrary: Sendable {
    let makeContext: @convention(c) () -> OpaquePointer?
    let freeContext: @convention(c) (OpaquePointer?) -> Void
    /// Context, bytes, their count, options.
    let read: @convention(c) (OpaquePointer?, UnsafeRawPointer?, Int, OpaquePointer?) -> heif_error
    let getPrimaryHandle: @convention(c) (OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>?) -> heif_error
    let releaseHandle: @convention(c) (OpaquePointer?) -> Void
    let width: @convention(c) (OpaquePointer?) -> Int32
    let height: @convention(c) (OpaquePointer?) -> Int32
    let hasAlpha: @convention(c) (OpaquePointer?) -> Int32
    let makeOptions: @convention(c) () -> UnsafeMutableRawPointer?
    let freeOptions: @convention(c) (UnsafeMutableRawPointer?) -> Void
    /// Handle, image, colour space, arrangement, options.
    let decode:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>?, Int32, Int32, UnsafeMutableRawPointer?
        ) -> heif_error
    let releaseImage: @convention(c) (OpaquePointer?) -> Void
    let imageWidth: @convention(c) (OpaquePointer?, Int32) -> Int32
    let imageHeight: @convention(c) (OpaquePointer?, Int32) -> Int32
    let plane: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<Int32>?) -> UnsafePointer<UInt8>?

    /// `heif_colorspace_RGB`.
    static let rgb: Int32 = 1
    /// `heif_chroma_interleaved_RGB`.
    static let interleavedRGB: Int32 = 10
    /// `heif_chroma_interleaved_RGBA`.
    static let interleavedRGBA: Int32 = 11
    /// `heif_channel_interleaved`.
    static let interleaved: Int32 = 10

    /// Sets `convert_hdr_to_8bit`, which follows two bytes, three functions and their argument in the options. Their first
    /// byte is a version; all from 2 on have it.
    static func convertTo8Bits(_ options: UnsafeMutableRawPointer) {
        if options.load(as: UInt8.self) >= 2 { options.storeBytes(of: 1, toByteOffset: 40, as: UInt8.self) }
    }

    // MARK: Opening

    /// Opened at first use, once for all threads.
    private static let shared = Result { () throws(DynamicLibraryError) -> HEIFLibrary in try HEIFLibrary() }

    static func opened(for format: ImageFormat) throws(ImageError) -> HEIFLibrary {
        do throws(DynamicLibraryError) {
            return try shared.get()
        } catch {
            throw .missingLibrary(format, package: "libheif1", reason: error.message)
        }
    }

    private init() throws(DynamicLibraryError) {
        let library = try DynamicLibrary("libheif.so.1")
        func function<Function>(_ name: String) throws(DynamicLibraryError) -> Function {
            unsafeBitCast(try library.requiredAddress(of: "heif_" + name), to: Function.self)
        }
        makeContext = try function("context_alloc")
        freeContext = try function("context_free")
        read = try function("context_read_from_memory_without_copy")
        getPrimaryHandle = try function("context_get_primary_image_handle")
        releaseHandle = try function("image_handle_release")
        width = try function("image_handle_get_width")
        height = try function("image_handle_get_height")
        hasAlpha = try function("image_handle_has_alpha_channel")
        makeOptions = try function("decoding_options_alloc")
        freeOptions = try function("decoding_options_free")
        decode = try function("decode_image")
        releaseImage = try function("image_release")
        imageWidth = try function("image_get_width")
        imageHeight = try function("image_get_height")
        plane = try function("image_get_plane_readonly")
    }
}
