// SPDX-License-Identifier: MIT

extension EXIFBlock {
    /// EXIF data that state an orientation, made of others: where they state one it is replaced in its place, else an
    /// entry is added. Nothing else changes, and no offset moves. Nil where the data are no EXIF.
    static func stating(_ orientation: EXIFOrientation, in data: [UInt8]) -> [UInt8]? {
        if let location = data.withUnsafeBytes(EXIFOrientation.locate(in:)) {
            let value = location.bytes(of: orientation)
            guard location.offset <= data.count - value.count else { return nil }
            var result = data
            result.replaceSubrange(location.offset..<(location.offset + value.count), with: value)
            return result
        }
        guard var block = EXIFBlock(data) else { return nil }
        block.addOrientation(orientation)
        return block.bytes
    }

    /// The smallest EXIF data that state an orientation, without a mark.
    static func minimal(_ orientation: EXIFOrientation) -> [UInt8] {
        [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, UInt8(orientation.rawValue), 0, 0, 0] + [
            0, 0, 0, 0,
        ]
    }

    /// Writes the main directory anew at the end, with one entry more. The old one stays, and nothing points to it.
    private mutating func addOrientation(_ orientation: EXIFOrientation) {
        let old = main
        var entries = (old?.entries ?? []).map { (tag: $0.tag, bytes: Array(bytes[$0.position..<($0.position + 12)])) }
        let next = old.map { Array(bytes[$0.nextPosition..<min(bytes.count, $0.nextPosition + 4)]) } ?? []
        let place = append([])
        var block = EXIFBlock(emptyLike: self, bytes: Self.entryBytes)
        block.set(Tag.orientation, at: 0, bytes: 2)
        block.set(3, at: 2, bytes: 2)
        block.set(1, at: 4, bytes: 4)
        block.set(orientation.rawValue, at: 8, bytes: 2)
        entries.append((Tag.orientation, block.bytes))
        entries.sort { $0.tag < $1.tag }
        var count = EXIFBlock(emptyLike: self, bytes: 2)
        count.set(entries.count, at: 0, bytes: 2)
        _ = append(count.bytes + entries.flatMap(\.bytes) + (next.count == 4 ? next : [0, 0, 0, 0]))
        set(place, at: start + 4, bytes: 4)
    }

    private init(emptyLike other: EXIFBlock, bytes count: Int) {
        bytes = [UInt8](repeating: 0, count: count)
        start = 0
        isLittleEndian = other.isLittleEndian
    }
}
