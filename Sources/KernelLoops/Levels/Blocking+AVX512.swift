// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED && KERNELS_AVX512

let levelName = "avx512"

/// How this level's 32 registers of 16 values cut the work of the loops.
///
/// Tall tiles are limited by the registers (sums, one vector of each panel, one broadcast value), low ones by the latency
/// of a multiply-add: eight to ten sums must be under way. So there are tiles of every height, and the rows that the tallest
/// leave over are shared by two.
enum Blocking {
    /// How many panels of a packed matrix to take next; 8 for a single row only.
    @inline(__always)
    static func panelsInGroup(left: Int, rows: Int) -> Int {
        if rows == 1 && left >= 8 { return 8 }
        if rows <= 6 && left >= 4 { return 4 }
        // As few passes over the weights as the registers allow.
        if (8...9).contains(rows) && left >= 3 && left != 4 { return 3 }
        return left == 3 ? 3 : min(left, 2)
    }

    /// Rows of the tallest tile for one, two, three and four panels.
    @inline(__always) static var tallestOfOne: Int { 14 }
    @inline(__always) static var tallestOfTwo: Int { 14 }
    @inline(__always) static var tallestOfThree: Int { 9 }
    @inline(__always) static var tallestOfFour: Int { 6 }
    /// Rows of the tallest tile of a paired panel.
    @inline(__always) static var tallestOfPairs: Int { 14 }
    /// Rows that a product does at a time.
    @inline(__always) static var tileRows: Int { tallestOfTwo }

    /// The most pixels that `convolveChannels` does at a time.
    @inline(__always) static var channelwisePixels: Int { 14 }

    /// The most pixels that `convolveGroups` does at a time: their inputs stay in registers beside their sums, one or two vectors for
    /// each.
    @inline(__always) static var groupedPixels: Int { 8 }

    /// The sums of the pixels that a depthwise convolution does at a time.
    typealias DepthwisePixels = InlineArray<7, Lanes>

    /// The values of the pixels that `convolveDots` does at a time, a quarter of a vector's lanes.
    typealias DotPixels = InlineArray<4, Lanes>

    /// An integer for each lane.
    typealias LaneIntegers = InlineArray<16, Int32>

    /// As many vectors as a vector has lanes: a square that is transposed in registers, or the sums of `convolveDots`.
    typealias Square = InlineArray<16, Lanes>

    /// Eight squares.
    typealias RowOfSquares = InlineArray<128, Lanes>
}

#endif
