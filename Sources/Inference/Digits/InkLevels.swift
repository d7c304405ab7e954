// SPDX-License-Identifier: MIT

/// From which depth on a pixel is ink, decided from all depths of a picture.
struct InkLevels: Equatable {
    /// Ink that counts where it is connected to `high`.
    let low: UInt8
    /// Ink beyond doubt.
    let high: UInt8

    /// Least depth, of 255, that may be ink.
    private static let faintest = 8

    /// Only ink beyond doubt.
    var sure: InkLevels { InkLevels(low: high, high: high) }

    /// - Parameter ink: Depths below the paper; 0 where nothing is to be looked at.
    /// - Returns: nil if nothing stands out of the paper's noise.
    init?(_ ink: [UInt8]) {
        var histogram = [Int](repeating: 0, count: 256)
        for value in ink { histogram[Int(value)] += 1 }
        self.init(histogram: histogram)
    }

    private init(low: UInt8, high: UInt8) {
        self.low = low
        self.high = high
    }

    private init?(histogram: [Int]) {
        let total = histogram.reduce(0, +)
        let middle = Self.quantile(0.5, of: histogram, total: total)
        let noise = max(1, middle - Self.quantile(0.16, of: histogram, total: total))
        let floor = max(Self.faintest, middle + 3 * noise)
        guard floor < 255 else { return nil }
        var above = histogram
        for value in 0..<floor { above[value] = 0 }
        let count = above.reduce(0, +)
        guard count > 0 else { return nil }
        // The paper's noise and lines that are much fainter than the ink fall below the threshold of Otsu.
        let threshold = max(floor, Self.otsuThreshold(above))
        for value in 0..<threshold { above[value] = 0 }
        let peak = Self.quantile(0.75, of: above, total: above.reduce(0, +))
        let range = Double(peak - middle)
        low = UInt8(clamping: max(floor, middle + Int(range * 0.25)))
        high = UInt8(clamping: max(middle + 5 * noise, middle + Int(range * 0.5), floor))
    }

    /// The value that parts the values into two groups of least variance: those up to it are one.
    ///
    /// - Source: Otsu, "A threshold selection method from gray-level histograms".
    private static func otsuThreshold(_ histogram: [Int]) -> Int {
        let total = Double(histogram.reduce(0, +))
        let sum = histogram.enumerated().reduce(0.0) { $0 + Double($1.offset) * Double($1.element) }
        var (count, partial) = (0.0, 0.0)
        var best = (threshold: 0, spread: -1.0)
        for (value, frequency) in histogram.enumerated() {
            count += Double(frequency)
            partial += Double(value) * Double(frequency)
            guard count > 0, count < total else { continue }
            let difference = partial / count - (sum - partial) / (total - count)
            let spread = count * (total - count) * difference * difference
            if spread > best.spread { best = (value, spread) }
        }
        return best.threshold
    }

    private static func quantile(_ share: Double, of histogram: [Int], total: Int) -> Int {
        var count = 0
        for (value, frequency) in histogram.enumerated() {
            count += frequency
            if Double(count) >= share * Double(total) { return value }
        }
        return 255
    }
}
