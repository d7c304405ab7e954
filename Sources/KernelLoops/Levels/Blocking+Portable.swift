// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_PORTABLE

let levelName = "portable"

/// How this level's registers of 4 values, 16 on x86-64, cut the work of the loops.
///
/// Tall tiles are limited by the registers (sums, one vector of each panel, one broadcast value), low ones by the latency
/// of a multiply-add: eight to ten sums must be under way. So there are tiles of every height, and the rows that the tallest
/// leave over are shared by two.
enum Blocking {
    /// How many panels of a packed matrix to take next; 8 for a single row only.
    @inline(__always)
    static func panelsInGroup(left: Int, rows: Int) -> Int {
        if rows == 1 && left >= 4 { return 4 }
        return left == 3 ? 3 : min(left, 2)
    }

    /// Rows of the tallest tile for one, two, three and four panels.
    @inline(__always) static var tallestOfOne: Int { 4 }
    @inline(__always) static var tallestOfTwo: Int { 4 }
    @inline(__always) static var tallestOfThree: Int { 2 }
    @inline(__always) static var tallestOfFour: Int { 1 }
    /// Rows of the tallest tile of a paired panel.
    @inline(__always) static var tallestOfPairs: Int { 7 }
    /// Rows that a product does at a time.
    @inline(__always) static var tileRows: Int { tallestOfTwo }

    /// The most pixels that `convolveChannels` does at a time.
    @inline(__always) static var channelwisePixels: Int { 8 }

    /// The most pixels that `convolveGroups` does at a time: their inputs stay in registers beside their sums, one or two vectors for
    /// each.
    @inline(__always) static var groupedPixels: Int { 8 }

    /// The sums of the pixels that a depthwise convolution does at a time.
    typealias DepthwisePixels = InlineArray<4, Lanes>

    /// The values of the pixels that `convolveDots` does at a time, a quarter of a vector's lanes.
    typealias DotPixels = InlineArray<1, Lanes>

    /// An integer for each lane.
    typealias LaneIntegers = InlineArray<4, Int32>

    /// As many vectors as a vector has lanes: a square that is transposed in registers, or the sums of `convolveDots`.
    typealias Square = InlineArray<4, Lanes>

    /// Eight squares.
    typealias RowOfSquares = InlineArray<32, Lanes>
}

#endif
