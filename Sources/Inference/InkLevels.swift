// SPDX-License-Identifier: MIT

import Images

/// Which grey is ink and which is paper, decided from the picture.
struct InkLevels: Equatable {
    /// The paper's grey: the middle of its values.
    let paper: Int
    /// The ink's grey: the middle of the values on the other side of the threshold.
    let ink: Int
    /// How far the paper's values stray from `paper`, in grey levels.
    let noise: Int

    /// Looks at a grey image: the threshold that parts its values best, and the side on which most of its border lies,
    /// which is paper.
    ///
    /// Returns nil for a blank image.
    init?(_ image: Image) {
        var histogram = [Int](repeating: 0, count: 256)
        for value in image.pixels { histogram[Int(value)] += 1 }
        let threshold = Self.otsuThreshold(histogram)
        let border = DigitPreparation.borderValues(image)
        let darkBorder = border.count { Int($0) <= threshold }
        let paperIsDark = darkBorder * 2 > border.count
        let (paperRange, inkRange) =
            paperIsDark ? (0...threshold, (threshold + 1)...255) : ((threshold + 1)...255, 0...threshold)
        guard let paper = Self.quantile(0.5, of: histogram, in: paperRange),
            let ink = Self.quantile(0.5, of: histogram, in: inkRange)
        else { return nil }
        // Between the middle and the fifth part of the values nearest to the ink lie 1.3 standard deviations of the paper.
        let edge = Self.quantile(paperIsDark ? 0.9 : 0.1, of: histogram, in: paperRange) ?? paper
        self.paper = paper
        self.ink = ink
        self.noise = abs(edge - paper)
        let contrast = abs(ink - paper)
        guard contrast >= DigitPreparation.minContrast, contrast > 3 * noise else { return nil }
    }

    /// Paper as 0, ink as 255, and what is between in between; what the paper's noise may reach is 0.
    func ink(of image: Image) -> InkMap {
        let range = Double(abs(ink - paper))
        let floor = min(range / 2, Double(noise) * 2.5)
        let table = (0..<256).map { value -> UInt8 in
            let depth = Double(ink > paper ? value - paper : paper - value)
            return UInt8(max(0, min(255, ((depth - floor) / (range - floor) * 255).rounded())))
        }
        return InkMap(width: image.width, height: image.height, values: image.pixels.map { table[Int($0)] })
    }

    /// The grey that parts the values into two groups of least variance: values up to it are the dark ones.
    ///
    /// - Source: Otsu, "A threshold selection method from gray-level histograms".
    static func otsuThreshold(_ histogram: [Int]) -> Int {
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

    private static func quantile(_ share: Double, of histogram: [Int], in range: ClosedRange<Int>) -> Int? {
        let total = range.reduce(0) { $0 + histogram[$1] }
        guard total > 0 else { return nil }
        var count = 0
        for value in range {
            count += histogram[value]
            if Double(count) >= share * Double(total) { return value }
        }
        return range.upperBound
    }
}
