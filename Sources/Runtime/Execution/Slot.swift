// SPDX-License-Identifier: MIT

/// Where a value stands while a plan runs.
struct Slot: Sendable, Equatable {
    enum Region: Sendable, Equatable {
        /// What the caller gave as input so-and-so, one image after the other.
        case input(Int)
        /// The arena of one image: reused for the next.
        case image
        /// The arena of the batch: room for each image's value, one after the other.
        case batch
        /// Where the caller wants output so-and-so, one image after the other.
        case output(Int)
    }

    var region: Region
    /// In the batch's arena counted for one image.
    var byteOffset: Int
    /// Bytes of one image's value.
    var byteCount: Int

    /// Floats of one image's value.
    var count: Int { byteCount / 4 }
}

/// What a step reads: a value's place, or numbers that are known.
enum Source: Sendable, Equatable {
    case slot(Slot)
    /// An offset in the prepared weights, in bytes.
    case weight(Int)
}
