// SPDX-License-Identifier: MIT

/// Gives values places in an arena so that values that live at the same time do not overlap.
///
/// First fit, in the order of birth: networks are mostly chains, for which that is close to the best.
struct ArenaLayout {
    private struct Place {
        var offset: Int
        var byteCount: Int
        var death: Int
    }

    private var living: [Place] = []
    /// Bytes that the arena needs.
    private(set) var byteCount = 0

    /// Finds room for a value that is written at step `birth` and read for the last time at step `death`.
    ///
    /// - Returns: Its offset in bytes, at a cache line's border.
    mutating func place(byteCount: Int, birth: Int, death: Int) -> Int {
        living.removeAll { $0.death < birth }
        living.sort { $0.offset < $1.offset }
        let size = byteCount.roundedUpToCacheLine
        var offset = 0
        for place in living {
            if place.offset - offset >= size { break }
            offset = max(offset, place.offset + place.byteCount)
        }
        living.append(Place(offset: offset, byteCount: size, death: death))
        self.byteCount = max(self.byteCount, offset + size)
        return offset
    }

    /// Lets the value at `offset` live on as another one, which is read for the last time at step `death`.
    mutating func extend(offset: Int, death: Int) {
        for index in living.indices where living[index].offset == offset {
            living[index].death = max(living[index].death, death)
        }
    }
}
