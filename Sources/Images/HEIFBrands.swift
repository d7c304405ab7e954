// SPDX-License-Identifier: MIT

/// The brands of a file in ISO's base media format, which say what it holds.
///
/// - Source: ISO/IEC 14496-12, section 4.3; ISO/IEC 23008-12, annex B; AV1 Image File Format 1.1, section 6.
struct HEIFBrands {
    /// The major brand, then the compatible ones.
    private let brands: [String]

    /// Nil where the file does not begin with a file type box.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let size = bytes.bigEndian(at: 0, bytes: 4), size >= 16, bytes.count >= 16,
            bytes[4..<8].elementsEqual("ftyp".utf8)
        else { return nil }
        let end = min(size, bytes.count, 256)
        let starts = [8] + stride(from: 16, through: end - 4, by: 4)
        brands = starts.map { String(decoding: bytes[$0..<($0 + 4)], as: UTF8.self) }
    }

    /// The picture format that is read; nil for films and other pictures.
    var format: ImageFormat? {
        switch brands[0] {
        case "avif", "avis": .avif
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs": .heic
        // The format's own brands leave the coding to the compatible ones.
        case "mif1", "mif2", "msf1", "miaf": brands.contains { $0 == "avif" || $0 == "avis" } ? .avif : .heic
        default: nil
        }
    }

    /// The name of any other, with an article.
    var foreignName: String {
        switch brands[0] {
        case "crx ": "a Canon raw photo (CR3)"
        case "jpeg", "j2ki", "j2is", "avci", "avcs", "vvic", "vvis":
            "a HEIF image of a coding that is none of HEVC and AV1"
        case "qt  ": "a QuickTime film"
        default: "a film or other file of the MP4 family"
        }
    }
}
