// SPDX-License-Identifier: MIT

import Kernels

/// A step whose values have no places yet.
struct Draft {
    var summary: StepSummary
    /// Values that it reads and writes: the graph's by their index, then those that steps need among themselves.
    var reads: [Int]
    var writes: [Int]
    /// Whether it works on vectors, so that a batch is but more rows.
    var isRowwise = false
    /// The value that the output may take the place of, if nothing reads that one later.
    var inPlace: Int?
    /// Whether `make` gives a `PixelStep`.
    var writesPixels = false
    /// Channels that `make`'s step, a `ColumnStep`, writes at a time if strips of channels follow; nil if it can't.
    var stripChannels: Int?
    var make: (_ slot: (Int) -> Slot) -> any Step
}
