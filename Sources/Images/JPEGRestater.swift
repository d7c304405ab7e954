// SPDX-License-Identifier: MIT

/// JPEG files that state another orientation, with every pixel as it was.
enum JPEGRestater {
    /// The file with another stated orientation. Pictures behind the first one that state an orientation of their own
    /// follow it.
    static func stated(
        _ orientation: EXIFOrientation, _ bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments, _ quarterTurns: Int
    ) throws(ImageError) -> TurnedFile {
        let exif = segments.exifRanges(in: bytes).flatMap { bytes[$0] }
        let hasPlace = exif.withUnsafeBytes(EXIFOrientation.locate(in:)) != nil
        guard hasPlace || orientation == .up else {
            return try withPlace(for: orientation, bytes, segments)
        }
        var (file, hasChanged) = stating(orientation, in: bytes, segments)
        for place in (try? JPEGExtras(bytes, segments))?.pictures ?? [] {
            let picture = UnsafeRawBufferPointer(rebasing: bytes[place])
            guard let inner = try? JPEGSegments(picture), let own = inner.statedOrientation(in: picture) else {
                continue
            }
            let turned = EXIFOrientation(Turning(own, thenCounterclockwise: quarterTurns))
            let new = stating(turned, in: picture, inner)
            hasChanged = hasChanged || new.hasChanged
            file.replaceSubrange(place, with: new.bytes)
        }
        return TurnedFile(bytes: file, change: hasChanged ? .orientationOnly : .none)
    }

    /// Sets the orientation where EXIF and XMP state one; no byte moves.
    static func stating(
        _ orientation: EXIFOrientation, in bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments
    ) -> (bytes: [UInt8], hasChanged: Bool) {
        var file = Array(bytes)
        var hasChanged = false
        func set(_ byte: UInt8, at offset: Int) {
            hasChanged = hasChanged || file[offset] != byte
            file[offset] = byte
        }
        let ranges = segments.exifRanges(in: bytes)
        let exif = ranges.flatMap { bytes[$0] }
        if let location = exif.withUnsafeBytes(EXIFOrientation.locate(in:)) {
            for (index, byte) in location.bytes(of: orientation).enumerated() {
                if let place = ranges.element(at: location.offset + index) { set(byte, at: place) }
            }
        }
        for range in segments.xmpRanges(in: bytes) {
            let digit = EXIFOrientation.digitInXMP(UnsafeRawBufferPointer(rebasing: bytes[range]))
            if let digit { set(UInt8(ascii: "0") + UInt8(orientation.rawValue), at: range.lowerBound + digit) }
        }
        return (file, hasChanged)
    }

    /// A file whose EXIF has no place for an orientation gets one.
    private static func withPlace(
        for orientation: EXIFOrientation, _ bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments
    ) throws(ImageError) -> TurnedFile {
        let extras = try JPEGExtras(bytes, segments)
        let metadata = try JPEGMetadata(
            bytes, segments, .state(orientation), withAdobe: true, dropsExtras: false)
        var picture: [UInt8] = [0xFF, JPEGSegments.Marker.startOfImage] + metadata.bytes
        var position = 2
        for segment in segments.kept {
            picture += bytes[position..<max(position, segment.payload.lowerBound - 4)]
            position = segment.payload.upperBound
        }
        picture += bytes[position..<segments.end]
        let file = try extras.assembled(
            bytes, picture: picture, newIndexPayload: metadata.indexPayload.map { $0 + 2 },
            replacements: extras.pictures.map { Array(bytes[$0]) })
        return TurnedFile(bytes: file, change: .orientationOnly)
    }
}

extension [Range<Int>] {
    /// The number at `index` of all ranges laid end to end.
    fileprivate func element(at index: Int) -> Int? {
        var rest = index
        for range in self {
            if rest < range.count { return range.lowerBound + rest }
            rest -= range.count
        }
        return nil
    }
}
