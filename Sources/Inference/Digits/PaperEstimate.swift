// SPDX-License-Identifier: MIT

/// How far each pixel lies below the paper around it, whatever the light there.
///
/// Paper is what remains when dark strokes are closed: the largest value near each place, then the smallest of those (a grey
/// closing), which follows slow changes of light and the edges of wide shadows alike. A pixel is compared with its paper
/// by ratio, channel by channel, so ink in a shadow counts like ink in the light, and coloured ink on paper of the same
/// brightness counts too.
enum PaperEstimate {
    /// Widest stroke that isn't taken for paper, as a share of the picture's longest side.
    private static let widestStroke = 0.3
    /// Paper is never taken to be darker than this: the ratio would magnify noise.
    private static let darkestPaper: Float = 24

    /// - Parameters:
    ///   - channels: Planes of `width` x `height` values, dark ink on bright paper.
    /// - Returns: For each pixel 0 for paper to 255 for black ink; over the channels, the root of the mean square. What is
    ///   no deeper than the noise of paper as bright is 0.
    static func depths(channels: [[UInt8]], width: Int, height: Int) -> [UInt8] {
        var squares = [Float](repeating: 0, count: width * height)
        var brightness = [Float](repeating: 0, count: width * height)
        for channel in channels {
            let paper = closed(BlockGrid(maximaOf: channel, width: width, height: height))
            addSquares(of: channel, below: paper, width: width, to: &squares, &brightness)
        }
        let share = 1 / Float(channels.count)
        var depths = squares.map { UInt8(min(255, ($0 * share).squareRoot())) }
        clearNoise(of: &depths, brightness.map { min(Self.bins - 1, Int($0 * share) * Self.bins / 256) })
        return depths
    }

    /// How many classes of brightness the paper is sorted into.
    private static let bins = 16
    /// Ink is deeper than the paper's usual depth by so many of its deviations.
    private static let deviations = 3

    /// Clears what is paper's noise: the darker paper lies, the larger its noise is by ratio.
    private static func clearNoise(of depths: inout [UInt8], _ bins: [Int]) {
        var histograms = [Int](repeating: 0, count: Self.bins * 256)
        for (depth, bin) in zip(depths, bins) { histograms[bin * 256 + Int(depth)] += 1 }
        let least = depths.count / 200
        let floors = (0..<Self.bins).map { bin -> UInt8? in
            let histogram = Array(histograms[(bin * 256)..<(bin * 256 + 256)])
            let total = histogram.reduce(0, +)
            guard total > least else { return nil }
            func quantile(_ share: Double) -> Int {
                var count = 0
                return histogram.firstIndex { depth in
                    count += depth
                    return Double(count) >= share * Double(total)
                } ?? 255
            }
            let middle = quantile(0.5)
            return UInt8(clamping: middle + deviations * (middle - quantile(0.16)))
        }
        // Where little paper is as bright, that of the nearest brightness that much is of.
        let known = floors.indices.filter { floors[$0] != nil }
        let nearest = floors.indices.map { (bin: Int) -> UInt8 in
            let other = known.min { first, second in abs(first - bin) < abs(second - bin) }
            return other.flatMap { floors[$0] } ?? 0
        }
        for index in depths.indices where depths[index] <= nearest[bins[index]] { depths[index] = 0 }
    }

    /// The paper's value in each block of the picture.
    private static func closed(_ maxima: BlockGrid) -> BlockGrid {
        let radius = max(2, Int(widestStroke * Double(max(maxima.width, maxima.height)) / 2 + 0.5))
        var blocks = maxima.continued(by: radius + 1)
        blocks.dilate(by: radius)
        // One block more: on a slope the brightest of a block is above its middle.
        blocks.erode(by: radius + 1)
        return blocks.cropped(by: radius + 1)
    }

    /// Adds the squares of the shares, of 255, by which a channel lies below its paper.
    private static func addSquares(
        of channel: [UInt8], below paper: BlockGrid, width: Int, to squares: inout [Float], _ brightness: inout [Float]
    ) {
        var line = [Float](repeating: 0, count: paper.width)
        var row = [Float](repeating: 0, count: width)
        let columns = BlockGrid.places(of: width, blocks: paper.width)
        let rows = BlockGrid.places(of: channel.count / width, blocks: paper.height)
        squares.withUnsafeMutableBufferPointer { squares in
            brightness.withUnsafeMutableBufferPointer { brightness in
                channel.withUnsafeBufferPointer { channel in
                    row.withUnsafeMutableBufferPointer { row in
                        for (y, place) in rows.enumerated() {
                            line.withUnsafeMutableBufferPointer {
                                paper.interpolate(row: place, columns: columns, line: $0, to: row)
                            }
                            let start = y * width
                            for x in 0..<width {
                                let here = row[x]
                                let lost = max(0, here - Float(channel[start + x])) * 255 / max(here, darkestPaper)
                                squares[start + x] += lost * lost
                                brightness[start + x] += here
                            }
                        }
                    }
                }
            }
        }
    }
}
