// SPDX-License-Identifier: MIT

import Operators
import Tensors

/// How a value's numbers are spread over the calibration images.
struct ValueRange: Sendable {
    private(set) var low: Float = 0
    private(set) var high: Float = 0
    private var counts: [Double] = []

    private static let bins = 2048

    /// Takes numbers for the ends. They include zero, which padding and ReLU must be able to say exactly.
    mutating func extend(_ values: [Float]) {
        for value in values where value.isFinite {
            low = min(low, value)
            high = max(high, value)
        }
    }

    /// Takes numbers for the distribution, when the ends are known.
    mutating func count(_ values: [Float]) {
        if counts.isEmpty { counts = [Double](repeating: 0, count: Self.bins) }
        let factor = Float(Self.bins) / max(high - low, .leastNormalMagnitude)
        for value in values where value.isFinite {
            counts[min(Self.bins - 1, max(0, Int((value - low) * factor)))] += 1
        }
    }

    /// The scale and zero point of unsigned bytes that bring the least squared error, of the ends moved inwards by steps.
    ///
    /// - Parameter function: What is made of the value next: its errors are what counts.
    func quantization(_ function: (Double) -> Double) -> ActivationScale {
        let width = Double(high - low) / Double(Self.bins)
        let bins = counts.indices.filter { counts[$0] > 0 }.map { index in
            (value: Double(low) + (Double(index) + 0.5) * width, count: counts[index])
        }
        let targets = bins.map { function($0.value) }
        var best = ActivationScale(low: Double(low), high: Double(high))
        guard high > low, !bins.isEmpty else { return best }
        var least = Double.infinity
        let lowFactors = low < 0 ? [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1] : [1.0]
        for lowFactor in lowFactors {
            for highFactor in stride(from: 1.0, through: 0.25, by: -0.05) {
                let scale = ActivationScale(low: Double(low) * lowFactor, high: Double(high) * highFactor)
                let results = (0...255).map { function(scale.value($0)) }
                var error = 0.0
                for (bin, target) in zip(bins, targets) {
                    let difference = results[scale.byte(bin.value)] - target
                    error += bin.count * difference * difference
                    if error >= least { break }
                }
                if error < least { (least, best) = (error, scale) }
            }
        }
        return best
    }
}

/// What unsigned bytes stand for.
struct ActivationScale: Sendable, Equatable {
    let scale: Float
    let zero: Int

    /// Bytes for all between two ends, which zero lies between.
    init(low: Double, high: Double) {
        let step = max((high - low) / 255, 1e-12)
        scale = Float(step)
        zero = min(255, max(0, Int((-low / step).rounded())))
    }

    func value(_ byte: Int) -> Double { Double(byte - zero) * Double(scale) }

    func byte(_ value: Double) -> Int {
        min(255, max(0, Int((value / Double(scale)).rounded(.toNearestOrEven).clamped) + zero))
    }
}

extension Double {
    fileprivate var clamped: Double { isNaN ? 0 : Swift.min(Swift.max(self, -1e6), 1e6) }
}
