// SPDX-License-Identifier: MIT

/// What a JPEG file holds after its first picture: a second view, a gain map, a depth map, a film.
struct JPEGExtras {
    /// Where it begins and ends in the file.
    let range: Range<Int>
    /// The pictures among it that an index lists, in order, apart from each other.
    private(set) var pictures: [Range<Int>] = []
    /// Where the index of pictures lies, payload only.
    private(set) var indexPayload: Range<Int>?
    private(set) var index: MultiPictureIndex?

    /// - Throws: `ImageError.extras` where the file's index leads elsewhere than to pictures in it.
    init(_ bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments) throws(ImageError) {
        range = segments.end..<bytes.count
        for segment in segments.header where segment.marker == 0xE2 {
            guard let found = MultiPictureIndex(Array(bytes[segment.payload])) else { continue }
            indexPayload = segment.payload
            index = found
            break
        }
        guard !range.isEmpty else { return }
        try addIndexed(bytes)
        addContained(bytes, segments)
    }

    /// Whether nothing follows the picture.
    var isEmpty: Bool { range.isEmpty }

    private mutating func addIndexed(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        guard let index, let payload = indexPayload else { return }
        let base = payload.lowerBound + MultiPictureIndex.base
        for entry in index.entries where entry.offset != 0 && entry.size != 0 {
            let place = (base + entry.offset)..<(base + entry.offset + entry.size)
            guard place.lowerBound >= range.lowerBound, place.upperBound <= range.upperBound,
                Self.isJPEG(bytes, at: place), !pictures.contains(where: { $0.overlaps(place) && $0 != place })
            else {
                throw .extras(reason: "the file's index of pictures leads to none at byte \(place.lowerBound)")
            }
            if !pictures.contains(place) { pictures.append(place) }
        }
        pictures.sort { $0.lowerBound < $1.lowerBound }
    }

    /// Adds the JPEGs that XMP lists and the index does not.
    private mutating func addContained(_ bytes: UnsafeRawBufferPointer, _ segments: JPEGSegments) {
        guard let xmp = segments.xmpRanges(in: bytes).last else { return }
        let items = XMPText(Array(bytes[xmp])).containerItems
        guard let first = items.first else { return }
        var position = range.lowerBound + first.padding
        for item in items.dropFirst() {
            guard item.length <= range.upperBound - position else { break }
            let place = position..<(position + item.length)
            let isNew = !pictures.contains { $0.overlaps(place) }
            if item.mediaType == "image/jpeg", isNew, Self.isJPEG(bytes, at: place) { pictures.append(place) }
            guard item.padding <= range.upperBound - place.upperBound else { break }
            position = place.upperBound + item.padding
        }
        pictures.sort { $0.lowerBound < $1.lowerBound }
    }

    private static func isJPEG(_ bytes: UnsafeRawBufferPointer, at place: Range<Int>) -> Bool {
        bytes[place].starts(with: [0xFF, JPEGSegments.Marker.startOfImage, 0xFF])
    }

    /// The file whose first picture became `picture` and whose others became `replacements`; what lies between them and
    /// behind them stays as it was, and the index leads to the pictures' new places.
    ///
    /// - Parameters:
    ///   - newIndexPayload: Where the index's segment has its payload in `picture`.
    ///   - replacements: One for each of `pictures`.
    func assembled(
        _ bytes: UnsafeRawBufferPointer, picture: [UInt8], newIndexPayload: Int?, replacements: [[UInt8]]
    ) throws(ImageError) -> [UInt8] {
        var file = picture
        file.reserveCapacity(picture.count + range.count + 1024)
        var starts: [Int: (start: Int, size: Int)] = [:]
        var position = range.lowerBound
        for (old, new) in zip(pictures, replacements) {
            file += bytes[position..<old.lowerBound]
            starts[old.lowerBound] = (file.count, new.count)
            file += new
            position = old.upperBound
        }
        file += bytes[position..<range.upperBound]
        guard let index, let payload = indexPayload, let newPayload = newIndexPayload else { return file }
        let (oldBase, newBase) = (payload.lowerBound + MultiPictureIndex.base, newPayload + MultiPictureIndex.base)
        for var entry in index.entries {
            if entry.offset == 0, entry.size != 0 {
                entry.size = picture.count
            } else if let place = starts[oldBase + entry.offset] {
                entry.offset = place.start - newBase
                entry.size = place.size
            }
            try index.write(entry, to: &file, payload: newPayload)
        }
        return file
    }
}
