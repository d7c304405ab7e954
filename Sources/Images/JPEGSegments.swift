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
    /// Where the end-of-image marker ends; what follows is no part of the picture.
    let end: Int

    /// Walks the file from start to end of image, through all scans, without decoding them.
    ///
    /// - Throws: `ImageError.truncated` where the file ends before its end-of-image marker, `.corrupt` where there is
    ///   no frame header before it.
    init(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        var segments: [Segment] = []
        var frame: Frame?
        var offset = 2
        while true {
            let marker = try Self.nextMarker(in: bytes, from: &offset)
            if marker == Marker.endOfImage { break }
            if Marker.standsAlone(marker) { continue }
            guard let length = bytes.bigEndian(at: offset, bytes: 2), offset + max(2, length) <= bytes.count else {
                throw .truncated(.jpeg, at: bytes.count, expected: "the rest of the segment at byte \(offset)")
            }
            let payload = (offset + 2)..<(offset + max(2, length))
            segments.append(Segment(marker: marker, payload: payload))
            if marker == Marker.startOfScan { scanCount += 1 }
            guard scanCount <= Self.maxScans else {
                throw .unsupported(.jpeg, reason: "it has more than \(Self.maxScans) scans (maxScans)")
            }
            guard segments.count <= Self.maxSegments else {
                throw .corrupt(.jpeg, reason: "it has more than \(Self.maxSegments) segments (maxSegments)")
            }
            if frame == nil && Marker.startsFrame(marker) {
                frame = try Self.frame(in: UnsafeRawBufferPointer(rebasing: bytes[payload]))
            }
            offset = payload.upperBound
        }
        guard let frame else { throw .corrupt(.jpeg, reason: "it has no frame header") }
        self.frame = frame
        self.segments = segments
        end = offset
    }

    /// Reads to the next marker: skips entropy-coded data, stuffed zero bytes, fill bytes and junk.
    private static func nextMarker(
        in bytes: UnsafeRawBufferPointer, from offset: inout Int
    ) throws(ImageError) -> UInt8 {
        while let prefix = bytes[min(offset, bytes.count)...].firstIndex(of: 0xFF) {
            var position = prefix + 1
            while position < bytes.count, bytes[position] == 0xFF { position += 1 }
            guard position < bytes.count else { break }
            offset = position + 1
            if bytes[position] != 0 { return bytes[position] }
        }
        throw .truncated(.jpeg, at: bytes.count, expected: "the end-of-image marker")
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

        /// SOF0 to SOF15, less the table markers DHT, JPG and DAC that lie among them.
        static func startsFrame(_ marker: UInt8) -> Bool {
            (0xC0...0xCF).contains(marker) && ![0xC4, 0xC8, 0xCC].contains(marker)
        }
    }
}
