// SPDX-License-Identifier: MIT

/// Formats of pictures, and of what else lies among them, that are known by their first bytes and not read.
enum ForeignFormat {
    /// The format's name with an article, such as "a GIF image"; nil where the bytes are none of these.
    static func name(of bytes: UnsafeRawBufferPointer) -> String? {
        for (start, name) in starts where bytes.starts(with: start) { return name }
        if let brands = HEIFBrands(bytes) { return brands.foreignName }
        if isBMP(bytes) { return "a BMP image" }
        if bytes.starts(with: Array("RIFF".utf8)) { return "a RIFF file, not a WebP image" }
        if isPortableMap(bytes) { return "a PBM, PGM, PPM or PAM image" }
        return isSVG(bytes) ? "an SVG drawing" : nil
    }

    /// Longer beginnings come before those that they begin with.
    private static let starts: [(start: [UInt8], name: String)] = [
        (Array("GIF87a".utf8), "a GIF image"), (Array("GIF89a".utf8), "a GIF image"),
        ([0x49, 0x49, 0x2A, 0, 0x10, 0, 0, 0, 0x43, 0x52], "a Canon raw photo (CR2)"),
        ([0x49, 0x49, 0x2A, 0], "a TIFF image or raw photo"), ([0x4D, 0x4D, 0, 0x2A], "a TIFF image or raw photo"),
        ([0x49, 0x49, 0x2B, 0], "a BigTIFF image"), ([0x4D, 0x4D, 0, 0x2B], "a BigTIFF image"),
        ([0x49, 0x49, 0xBC, 0x01], "a JPEG XR image"), ([0x49, 0x49, 0x55, 0], "a Panasonic raw photo (RW2)"),
        ([0x49, 0x49, 0x52, 0x4F], "an Olympus raw photo (ORF)"),
        (Array("FUJIFILM".utf8), "a Fujifilm raw photo (RAF)"),
        (Array("FOVb".utf8), "a Sigma raw photo (X3F)"),
        ([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20], "a JPEG 2000 image"),
        ([0xFF, 0x4F, 0xFF, 0x51], "a JPEG 2000 image"),
        ([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20], "a JPEG XL image"), ([0xFF, 0x0A], "a JPEG XL image"),
        ([0, 0, 1, 0], "an ICO image"), ([0, 0, 2, 0], "a CUR image"), (Array("8BPS".utf8), "a Photoshop file (PSD)"),
        (Array("gimp xcf".utf8), "a GIMP file (XCF)"), (Array("%PDF-".utf8), "a PDF document"),
        (Array("qoif".utf8), "a QOI image"), ([0x76, 0x2F, 0x31, 0x01], "an OpenEXR image"),
        (Array("#?RADIANCE".utf8), "a Radiance HDR image"), (Array("DDS ".utf8), "a DDS image"),
        ([0x8A, 0x4D, 0x4E, 0x47], "an MNG animation"), ([0x8B, 0x4A, 0x4E, 0x47], "a JNG image"),
        ([0x42, 0x50, 0x47, 0xFB], "a BPG image"), (Array("AT&TFORM".utf8), "a DjVu document"),
        ([0x1A, 0x45, 0xDF, 0xA3], "a Matroska or WebM film"), (Array("PK\u{3}\u{4}".utf8), "a zip archive"),
        ([0x1F, 0x8B], "a gzip archive"),
        (Array("version https://git-lfs".utf8), "a Git LFS pointer (run 'git lfs pull')"),
    ]

    /// A bitmap begins with two letters that other files begin with too; its header's length tells.
    private static func isBMP(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.starts(with: Array("BM".utf8)),
            let header = bytes.unsigned(at: 14, bytes: 4, littleEndian: true)
        else { return false }
        return [12, 16, 40, 52, 56, 64, 108, 124].contains(header)
    }

    private static func isPortableMap(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 3, bytes[0] == UInt8(ascii: "P"), (0x31...0x37).contains(bytes[1]) else { return false }
        return bytes[2] == 0x0A || bytes[2] == 0x20 || bytes[2] == 0x0D
    }

    private static func isSVG(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let head = UnsafeRawBufferPointer(rebasing: bytes.prefix(1024))
        guard head.first == UInt8(ascii: "<") || head.starts(with: [0xEF, 0xBB, 0xBF, 0x3C]) else { return false }
        return head.firstOffset(of: Array("<svg".utf8), from: 0) != nil
    }
}
