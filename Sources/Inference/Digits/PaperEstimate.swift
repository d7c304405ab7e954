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
        let papers = channels.map { closed(BlockGrid(maximaOf: $0, width: width, height: height)) }
        var bins: [UInt8] = []
        var depths = [UInt8](unsafeUninitializedCapacity: width * height) { depths, depthCount in
            bins = [UInt8](unsafeUninitializedCapacity: width * height) { bins, binCount in
                fill(depths, bins, channels: channels, below: papers, width: width)
                binCount = width * height
            }
            depthCount = width * height
        }
        clearNoise(of: &depths, bins)
        return depths
    }

    /// How many classes of brightness the paper is sorted into.
    private static let bins = 16
    /// Ink is deeper than the paper's usual depth by so many of its deviations.
    private static let deviations = 3

    /// Clears what is paper's noise: the darker paper lies, the larger its noise is by ratio.
    private static func clearNoise(of depths: inout [UInt8], _ bins: [UInt8]) {
        var histograms = [Int](repeating: 0, count: Self.bins * 256)
        for (depth, bin) in zip(depths, bins) { histograms[Int(bin) * 256 + Int(depth)] += 1 }
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
        for index in depths.indices where depths[index] <= nearest[Int(bins[index])] { depths[index] = 0 }
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

    /// Writes how deep each pixel lies below its paper, and the class of its paper's brightness.
    private static func fill(
        _ depths: UnsafeMutableBufferPointer<UInt8>, _ bins: UnsafeMutableBufferPointer<UInt8>, channels: [[UInt8]],
        below papers: [BlockGrid], width: Int
    ) {
        let rows = BlockGrid.places(of: depths.count / width, blocks: papers[0].height)
        let share = 1 / Float(channels.count)
        let blocks = papers[0].width
        withUnsafeTemporaryAllocation(of: Float.self, capacity: blocks + 3 * width) { memory in
            func part(_ first: Int, _ count: Int) -> UnsafeMutableBufferPointer<Float> {
                UnsafeMutableBufferPointer(rebasing: memory[first..<(first + count)])
            }
            let (line, row) = (part(0, blocks), part(blocks, width))
            let (squares, brightness) = (part(blocks + width, width), part(blocks + 2 * width, width))
            for (y, place) in rows.enumerated() {
                squares.update(repeating: 0)
                brightness.update(repeating: 0)
                for (channel, paper) in zip(channels, papers) {
                    paper.interpolate(row: place, line: line, to: row)
                    channel.withUnsafeBufferPointer {
                        add(UnsafeBufferPointer(rebasing: $0[(y * width)...]), below: row, to: squares, brightness)
                    }
                }
                let (depthLine, binLine) = (
                    UnsafeMutableBufferPointer(rebasing: depths[(y * width)..<((y + 1) * width)]),
                    UnsafeMutableBufferPointer(rebasing: bins[(y * width)..<((y + 1) * width)])
                )
                for x in 0..<width {
                    depthLine[x] = wholePart((squares[x] * share).squareRoot())
                    binLine[x] = wholePart(brightness[x] * share) / UInt8(256 / Self.bins)
                }
            }
        }
    }

    /// Adds the squares of the shares, of 255, by which a channel's pixels lie below their paper, and the paper itself, for a row.
    private static func add(
        _ pixels: UnsafeBufferPointer<UInt8>, below paper: UnsafeMutableBufferPointer<Float>,
        to squares: UnsafeMutableBufferPointer<Float>, _ brightness: UnsafeMutableBufferPointer<Float>
    ) {
        for x in paper.indices {
            let here = paper[x]
            let lost = max(0, here - Float(pixels[x])) * 255 / max(here, darkestPaper)
            squares[x] += lost * lost
            brightness[x] += here
        }
    }

    /// The whole part of a value from 0 on, at most 255: what `UInt8` makes of it, without its checks, so that a loop works on vectors.
    @inline(__always)
    private static func wholePart(_ positive: Float) -> UInt8 {
        let value = positive < 255 ? positive : 255
        // No Float that large has a fraction: the sum is rounded, and its last bits are the whole number.
        let large: Float = 8_388_608
        let sum = value + large
        return UInt8(truncatingIfNeeded: sum.bitPattern &- (sum - large > value ? 1 : 0))
    }
}
