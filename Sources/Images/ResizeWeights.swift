// SPDX-License-Identifier: MIT

/// The fixed-point weights of one axis, computed once per resize.
///
/// Output position i sums `taps[i].count` source positions from `taps[i].start`, weighted by the integers from
/// `taps[i].firstWeight` on. Weights carry 22 fractional bits, so 8-bit samples sum within 32 bits.
///
/// - Source: Pillow's `Resample.c`, functions `precompute_coeffs` and `normalize_coeffs_8bpc`.
struct ResizeWeights {
    /// The window of one output position.
    struct Tap {
        var start: Int
        var count: Int
        var firstWeight: Int
    }

    /// Fractional bits of a weight: 32, less 8 of a sample, less 2 of headroom for negative lobes.
    static let fractionBits: Int32 = 22

    private(set) var taps: [Tap] = []
    private(set) var weights: [Int32] = []

    init(from sourceSize: Int, to targetSize: Int, filter: ResizeFilter) {
        taps.reserveCapacity(targetSize)
        for position in 0..<targetSize {
            let window = Self.window(of: position, from: sourceSize, to: targetSize, filter: filter)
            taps.append(Tap(start: window.start, count: window.weights.count, firstWeight: weights.count))
            weights.append(contentsOf: window.weights)
        }
    }

    /// The source positions that one output position sums, from `start` on, and their weights: of the sum one, each rounded to
    /// nearest, halves away from zero.
    static func window(
        of position: Int, from sourceSize: Int, to targetSize: Int, filter: ResizeFilter
    ) -> (start: Int, weights: [Int32]) {
        let scale = Double(sourceSize) / Double(targetSize)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        let reciprocal = 1 / filterScale
        let center = (Double(position) + 0.5) * scale
        let start = max(0, Int(center - support + 0.5))
        let end = min(sourceSize, Int(center + support + 0.5))
        let window = (start..<max(start, end)).map {
            filter.weight(at: (Double($0) - center + 0.5) * reciprocal)
        }
        let sum = window.reduce(0, +)
        let weights = window.map { weight in
            let normalized = sum == 0 ? weight : weight / sum
            let scaled = normalized * Double(Int32(1) << fractionBits)
            return Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
        }
        return (start, weights)
    }
}
