// SPDX-License-Identifier: MIT

/// The segments of a JPEG that describe its picture, as they are to stand in a file with a picture that was changed.
struct JPEGMetadata {
    /// What becomes of the segments.
    enum Change {
        /// They follow a picture that was turned.
        case follow(EXIFBlock.Turn)
        /// They state another orientation.
        case state(EXIFOrientation)
    }

    /// The segments in their order, with markers and lengths.
    private(set) var bytes: [UInt8] = []
    /// Where the payload of the index of pictures begins in `bytes`.
    private(set) var indexPayload: Int?
    /// Whether a preview had to be taken out, since it can't be turned.
    private(set) var lacksPreview = false
    /// Whether a JFIF segment is among them.
    private(set) var hasJFIF = false
    private let source: UnsafeRawBufferPointer
    private let segments: JPEGSegments
    private let change: Change
    private static let exifMark = Array("Exif\0\0".utf8)
    private static let jfifMark = Array("JFIF\0".utf8)
    private static let extendedXMPMark = Array("http://ns.adobe.com/xmp/extension/\0".utf8)

    /// - Parameters:
    ///   - withAdobe: Whether Adobe's note on colour stays; it is about the coding.
    ///   - dropsExtras: Whether what it says of things after the picture goes.
    ///   - newLengths: Lengths of files after the picture that XMP states, and what they are now.
    /// - Throws: `ImageError.encodingFailed` where the EXIF data would become too long.
    init(
        _ source: UnsafeRawBufferPointer, _ segments: JPEGSegments, _ change: Change, withAdobe: Bool,
        dropsExtras: Bool, newLengths: [Int: Int] = [:]
    ) throws(ImageError) {
        self.source = source
        self.segments = segments
        self.change = change
        let exif = segments.exifRanges(in: source)
        let xmp = segments.xmpRanges(in: source)
        if exif.isEmpty, case .state(let orientation) = change {
            let first = segments.header.first { isJFIF($0) }
            if let first { appendSource(first) }
            append(0xE1, Self.exifMark + EXIFBlock.minimal(orientation))
        }
        for segment in segments.kept {
            if exif.isEmpty, case .state = change, isJFIF(segment) { continue }
            if segment.marker == 0xEE && !withAdobe { continue }
            if let part = exif.firstIndex(where: { $0.upperBound == segment.payload.upperBound }) {
                if part == 0 { try appendEXIF(exif) }
            } else if let text = xmp.first(where: { $0.upperBound == segment.payload.upperBound }) {
                try appendXMP(text, in: segment, dropsExtras: dropsExtras, newLengths: newLengths)
            } else if isJFIF(segment) {
                appendJFIF(segment)
            } else if dropsExtras, source[segment.payload].starts(with: Self.extendedXMPMark) {
                continue
            } else if segment.marker == 0xE2, source[segment.payload].starts(with: MultiPictureIndex.mark) {
                if dropsExtras { continue }
                indexPayload = indexPayload ?? bytes.count + 4
                appendSource(segment)
            } else {
                appendSource(segment)
            }
        }
    }

    /// The encoded picture with these segments in place of its own.
    ///
    /// - Returns: The file, and where the index of pictures has its payload in it.
    func file(with encoded: [UInt8]) throws(ImageError) -> (bytes: [UInt8], indexPayload: Int?) {
        let target = try encoded.withRawBytes { (bytes) throws(ImageError) in
            try JPEGSegments(headerOf: bytes)
        }
        // The encoder writes a JFIF segment first, which says nothing that the source's doesn't.
        let own = target.header.first.flatMap { $0.marker == 0xE0 ? $0.payload.upperBound : nil }
        let start = hasJFIF ? own ?? 2 : 2
        var result: [UInt8] = [0xFF, JPEGSegments.Marker.startOfImage]
        result.reserveCapacity(bytes.count + encoded.count + 2)
        result += bytes
        result += encoded[start...]
        return (result, indexPayload.map { $0 + 2 })
    }

    // MARK: Segments

    private func isJFIF(_ segment: JPEGSegments.Segment) -> Bool {
        segment.marker == 0xE0 && source[segment.payload].starts(with: Self.jfifMark)
    }

    private mutating func append(_ marker: UInt8, _ payload: [UInt8]) {
        let length = payload.count + 2
        bytes += [0xFF, marker, UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
        bytes += payload
    }

    private mutating func appendSource(_ segment: JPEGSegments.Segment) {
        if isJFIF(segment) { hasJFIF = true }
        append(segment.marker, Array(source[segment.payload]))
    }

    /// Densities change places, and a preview of plain samples is turned.
    private mutating func appendJFIF(_ segment: JPEGSegments.Segment) {
        hasJFIF = true
        var payload = Array(source[segment.payload])
        if case .follow(let turn) = change, payload.count >= 14 {
            let (width, height) = (Int(payload[12]), Int(payload[13]))
            if width * height > 0, payload.count == 14 + width * height * 3 {
                let preview = turn.turning.turned(
                    Array(payload[14...]), width: width, height: height, bytesPerPixel: 3)
                payload.replaceSubrange(14..., with: preview)
            }
            if turn.turning.swapsSides {
                payload.swapAt(8, 10)
                payload.swapAt(9, 11)
                payload.swapAt(12, 13)
            }
        }
        append(0xE0, payload)
    }

    private mutating func appendEXIF(_ ranges: [Range<Int>]) throws(ImageError) {
        var data = ranges.flatMap { source[$0] }
        switch change {
        case .state(let orientation):
            guard let stating = EXIFBlock.stating(orientation, in: data) else {
                throw .encodingFailed(.jpeg, reason: "its EXIF data are damaged: no orientation can be stated there")
            }
            data = stating
        case .follow(let turn):
            if var block = EXIFBlock(data) {
                lacksPreview = block.follow(turn, turnPreview: JPEGTurner.turnedPreview)
                data = block.bytes
            }
        }
        let most = EXIFBlock.maxSegmentBytes
        guard data.count <= most || ranges.count > 1 else {
            throw .encodingFailed(.jpeg, reason: "its EXIF data leave no room to state an orientation")
        }
        append(0xE1, Array(data.prefix(most)))
        for first in stride(from: most, to: data.count, by: most - Self.exifMark.count) {
            append(0xE1, Self.exifMark + data[first..<min(data.count, first + most - Self.exifMark.count)])
        }
    }

    private mutating func appendXMP(
        _ range: Range<Int>, in segment: JPEGSegments.Segment, dropsExtras: Bool, newLengths: [Int: Int]
    ) throws(ImageError) {
        var text = XMPText(Array(source[range]))
        switch change {
        case .state(let orientation): text.setOrientation(orientation)
        case .follow(let turn): text.follow(turn)
        }
        if dropsExtras { text.forgetExtras() }
        text.set("Item:Length") { Int($0).flatMap { newLengths[$0] }.map(String.init) }
        let payload = source[segment.payload.lowerBound..<range.lowerBound] + text.bytes
        guard payload.count <= EXIFBlock.maxSegmentBytes else {
            throw .encodingFailed(.jpeg, reason: "its XMP leaves no room for what has changed")
        }
        append(segment.marker, Array(payload))
    }
}

extension JPEGSegments {
    /// The segments that are metadata: APPn and comments. Behind the first scan EXIF and XMP count for nothing, and would
    /// in front of it.
    var kept: [Segment] {
        var isBehindScan = false
        return segments.filter { segment in
            if segment.marker == Marker.startOfScan { isBehindScan = true }
            if isBehindScan && segment.marker == Marker.app1 { return false }
            return (0xE0...0xEF).contains(segment.marker) || segment.marker == 0xFE
        }
    }
}
