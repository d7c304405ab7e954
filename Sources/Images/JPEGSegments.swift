// SPDX-License-Identifier: MIT

/// The marker segments of a JPEG file: where they lie, and what the frame header announces.
struct JPEGSegments {
    /// Most segments of a file. Photos have some dozens, with a large colour profile some hundreds.
    static let maxSegments = 16_384

    /// One marker with its payload.
    struct Segment {
        /// The marker's second byte, for example 0xE1 for APP1.
        var marker: UInt8
        /// Where its payload lies in the file, after the two bytes of length.
        var payload: Range<Int>
    }

    /// What a start-of-frame segment says.
    struct Frame: Equatable {
        var precision: Int
        var width: Int
        var height: Int
        var components: [Component]

        /// Pixels that one minimum coded unit covers.
        var blockWidth: Int { components.count == 1 ? 8 : 8 * (components.map(\.horizontal).max() ?? 1) }
        /// Rows that one minimum coded unit covers.
        var blockHeight: Int { components.count == 1 ? 8 : 8 * (components.map(\.vertical).max() ?? 1) }
    }

    /// Sampling factors of a colour component, 1 to 4 in a legal file.
    struct Component: Equatable {
        var horizontal: Int
        var vertical: Int
    }

    /// Most scans of a file. Progressive photos have about ten; each is a pass over the whole picture.
    static let maxScans = 100

    let frame: Frame
    /// All segments with a payload from start to end of image, in order.
    let segments: [Segment]
    /// Passes over the picture.
    private(set) var scanCount = 0
    /// Where the picture ends: behind its end-of-image marker, or at the end of the file if it has none.
    let end: Int
    /// Whether an end-of-image marker says where the picture ends.
    let hasEnd: Bool
    /// The frame's marker, which names the coding.
    let frameMarker: UInt8
    private let headerCount: Int

    /// The segments before the first scan.
    var header: ArraySlice<Segment> { segments[..<headerCount] }

    /// Walks the file from start to end of image, through all scans, without decoding them. A file that ends, or goes on
    /// with something else, after its first scan has begun has no end: whether the picture is whole is the decoder's to say.
    ///
    /// - Throws: `ImageError.truncated` where the file ends before its first scan, `.corrupt` where there is no frame
    ///   header before it.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        try self.init(bytes, headerOnly: false)
    }

    /// Walks the file to its first scan only; `end` is where that begins.
    init(headerOf bytes: UnsafeRawBufferPointer) throws(ImageError) {
        try self.init(bytes, headerOnly: true)
    }

    private init(_ bytes: UnsafeRawBufferPointer, headerOnly: Bool) throws(ImageError) {
        var segments: [Segment] = []
        var frame: (marker: UInt8, Frame)?
        var headerCount: Int?
        var hasEnd = true
        var offset = 2
        while true {
            let start = offset
            guard let marker = Self.nextMarker(in: bytes, from: &offset) else {
                if headerCount == nil { throw .truncated(.jpeg, at: bytes.count, expected: "the end-of-image marker") }
                (offset, hasEnd) = (bytes.count, false)
                break
            }
            if marker == Marker.endOfImage { break }
            // In what follows a picture without an end, any two bytes may look like a marker.
            if headerCount != nil, marker == Marker.startOfImage || Marker.isReserved(marker) {
                (offset, hasEnd) = (offset - 2, false)
                break
            }
            if Marker.standsAlone(marker) { continue }
            guard let length = bytes.bigEndian(at: offset, bytes: 2), offset + max(2, length) <= bytes.count else {
                if headerCount == nil {
                    throw .truncated(.jpeg, at: bytes.count, expected: "the rest of the segment at byte \(offset)")
                }
                (offset, hasEnd) = (bytes.count, false)
                break
            }
            let payload = (offset + 2)..<(offset + max(2, length))
            if marker == Marker.startOfScan, headerCount == nil {
                headerCount = segments.count
                if headerOnly {
                    offset = start
                    break
                }
            }
            segments.append(Segment(marker: marker, payload: payload))
            if marker == Marker.startOfScan { scanCount += 1 }
            guard scanCount <= Self.maxScans else {
                throw .unsupported(.jpeg, reason: "it has more than \(Self.maxScans) scans (maxScans)")
            }
            guard segments.count <= Self.maxSegments else {
                throw .corrupt(.jpeg, reason: "it has more than \(Self.maxSegments) segments (maxSegments)")
            }
            if frame == nil && Marker.startsFrame(marker) {
                frame = (marker, try Self.frame(in: UnsafeRawBufferPointer(rebasing: bytes[payload])))
            }
            offset = payload.upperBound
        }
        guard let frame else { throw .corrupt(.jpeg, reason: "it has no frame header") }
        self.frame = frame.1
        frameMarker = frame.marker
        self.segments = segments
        self.headerCount = headerCount ?? segments.count
        self.hasEnd = hasEnd
        end = offset
    }

    /// Reads to the next marker: skips entropy-coded data, stuffed zero bytes, fill bytes and junk. Nil at the end.
    private static func nextMarker(in bytes: UnsafeRawBufferPointer, from offset: inout Int) -> UInt8? {
        while let prefix = bytes[min(offset, bytes.count)...].firstIndex(of: 0xFF) {
            var position = prefix + 1
            while position < bytes.count, bytes[position] == 0xFF { position += 1 }
            guard position < bytes.count else { break }
            offset = position + 1
            if bytes[position] != 0 { return bytes[position] }
        }
        return nil
    }

    private static func frame(in payload: UnsafeRawBufferPointer) throws(ImageError) -> Frame {
        guard let precision = payload.bigEndian(at: 0, bytes: 1), let height = payload.bigEndian(at: 1, bytes: 2),
            let width = payload.bigEndian(at: 3, bytes: 2), let count = payload.bigEndian(at: 5, bytes: 1),
            payload.count >= 6 + 3 * count
        else { throw .corrupt(.jpeg, reason: "its frame header is too short") }
        let components = (0..<count).map { index in
            let sampling = payload[7 + 3 * index]
            return Component(horizontal: Int(sampling >> 4), vertical: Int(sampling & 15))
        }
        return Frame(precision: precision, width: width, height: height, components: components)
    }

    /// The name of a coding that isn't read; nil for those that are: baseline, extended and progressive.
    var unreadCoding: String? {
        switch frameMarker {
        case 0xC3, 0xCB: "lossless coding"
        case 0xC5, 0xC6, 0xCD, 0xCE: "hierarchical coding"
        case 0xC7, 0xCF: "hierarchical lossless coding"
        case 0xF7: "JPEG-LS coding"
        default: nil
        }
    }

    /// Marker codes, by their second byte.
    enum Marker {
        static let startOfImage: UInt8 = 0xD8
        static let endOfImage: UInt8 = 0xD9
        static let startOfScan: UInt8 = 0xDA
        static let app1: UInt8 = 0xE1

        /// Markers without length and payload: restarts, start of image, TEM.
        static func standsAlone(_ marker: UInt8) -> Bool {
            (0xD0...0xD8).contains(marker) || marker == 0x01
        }

        /// Markers that stand in no file.
        static func isReserved(_ marker: UInt8) -> Bool { (0x02...0xBF).contains(marker) }

        /// SOF0 to SOF15 and JPEG-LS's, less the table markers DHT, JPG and DAC that lie among them.
        static func startsFrame(_ marker: UInt8) -> Bool {
            (0xC0...0xCF).contains(marker) && ![0xC4, 0xC8, 0xCC].contains(marker) || marker == 0xF7
        }
    }
}
