// SPDX-License-Identifier: MIT

/// The inner loops of a resize: 8-bit samples times 22-bit weights, summed in 32 bits, rounded and clamped to 8 bits.
enum ResizePass {
    /// One half, in the weights' fixed point: added first so that the final shift rounds to nearest.
    static let half = Int32(1) << (ResizeWeights.fractionBits - 1)

    @inline(__always)
    static func sample(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: max(0, min(255, sum >> ResizeWeights.fractionBits)))
    }

    /// One row of one-byte pixels.
    static func resizeRow1(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ axis: borrowing ResizeWeights
    ) {
        forEachTap(of: axis) { position, pixels, weights in
            var sum = half
            for tap in 0..<pixels.count { sum &+= Int32(source[pixels.lowerBound &+ tap]) &* weights[tap] }
            target[position] = sample(sum)
        }
    }

    /// One row of two-byte pixels.
    static func resizeRow2(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ axis: borrowing ResizeWeights
    ) {
        forEachTap(of: axis) { position, pixels, weights in
            let from = source + pixels.lowerBound &* 2
            var (sum0, sum1) = (half, half)
            for tap in 0..<pixels.count {
                sum0 &+= Int32(from[tap &* 2]) &* weights[tap]
                sum1 &+= Int32(from[tap &* 2 &+ 1]) &* weights[tap]
            }
            let to = target + position &* 2
            to[0] = sample(sum0)
            to[1] = sample(sum1)
        }
    }

    /// One row of three-byte pixels.
    static func resizeRow3(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ axis: borrowing ResizeWeights
    ) {
        forEachTap(of: axis) { position, pixels, weights in
            let from = source + pixels.lowerBound &* 3
            var (sum0, sum1, sum2) = (half, half, half)
            for tap in 0..<pixels.count {
                let weight = weights[tap]
                sum0 &+= Int32(from[tap &* 3]) &* weight
                sum1 &+= Int32(from[tap &* 3 &+ 1]) &* weight
                sum2 &+= Int32(from[tap &* 3 &+ 2]) &* weight
            }
            let to = target + position &* 3
            to[0] = sample(sum0)
            to[1] = sample(sum1)
            to[2] = sample(sum2)
        }
    }

    /// One row of four-byte pixels.
    static func resizeRow4(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ axis: borrowing ResizeWeights
    ) {
        forEachTap(of: axis) { position, pixels, weights in
            let from = source + pixels.lowerBound &* 4
            var (sum0, sum1, sum2, sum3) = (half, half, half, half)
            for tap in 0..<pixels.count {
                let weight = weights[tap]
                sum0 &+= Int32(from[tap &* 4]) &* weight
                sum1 &+= Int32(from[tap &* 4 &+ 1]) &* weight
                sum2 &+= Int32(from[tap &* 4 &+ 2]) &* weight
                sum3 &+= Int32(from[tap &* 4 &+ 3]) &* weight
            }
            let to = target + position &* 4
            to[0] = sample(sum0)
            to[1] = sample(sum1)
            to[2] = sample(sum2)
            to[3] = sample(sum3)
        }
    }

    /// All rows of the result: each is a weighted sum of source rows, whatever the pixels' format. Runs over strips of
    /// columns whose sums stay in the first-level cache.
    static func resizeColumns(
        _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, bytesPerRow: Int,
        _ axis: borrowing ResizeWeights
    ) {
        let stripBytes = 1024
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: stripBytes) { buffer in
            guard let sums = buffer.baseAddress else { return }
            forEachTap(of: axis) { position, rows, weights in
                for strip in stride(from: 0, to: bytesPerRow, by: stripBytes) {
                    let count = min(stripBytes, bytesPerRow &- strip)
                    sums.initialize(repeating: half, count: count)
                    for tap in 0..<rows.count {
                        let row = source + ((rows.lowerBound &+ tap) &* bytesPerRow &+ strip)
                        let weight = weights[tap]
                        for column in 0..<count { sums[column] &+= Int32(row[column]) &* weight }
                    }
                    let to = target + (position &* bytesPerRow &+ strip)
                    for column in 0..<count { to[column] = sample(sums[column]) }
                }
            }
        }
    }

    /// Calls `body` for each output position with the source positions that it sums and their weights.
    @inline(__always)
    private static func forEachTap(
        of axis: borrowing ResizeWeights, _ body: (Int, Range<Int>, UnsafePointer<Int32>) -> Void
    ) {
        axis.weights.withUnsafeBufferPointer { weights in
            guard let base = weights.baseAddress else { return }
            axis.taps.withUnsafeBufferPointer { taps in
                for position in 0..<taps.count {
                    let tap = taps[position]
                    body(position, tap.start..<(tap.start &+ tap.count), base + tap.firstWeight)
                }
            }
        }
    }
}
