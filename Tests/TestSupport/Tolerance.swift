// SPDX-License-Identifier: MIT

/// How far a value may be from the one expected: |actual - expected| <= absolute + relative * |expected|.
public struct Tolerance: Sendable, Equatable {
    /// In the values' units.
    public let absolute: Double
    /// As a share of the expected value.
    public let relative: Double

    /// Copies, paddings, largest values, decoders, and the same work done twice.
    public static let exact = Tolerance(absolute: 0, relative: 0)
    /// Functions of one element, and softmax.
    public static let elementwise = Tolerance(absolute: 1e-6, relative: 1e-5)
    /// Sums: convolutions, linear layers, means.
    public static let accumulated = Tolerance(absolute: 1e-5, relative: 1e-4)
    /// Convolutions by Winograd's algorithm, whose intermediate values are larger than the results.
    public static let winograd = Tolerance(absolute: 2e-4, relative: 1e-4)
    /// Answers in Float32 against PyTorch's in half precision, which are the coarser ones.
    public static let halfPrecision = Tolerance(absolute: 2e-3, relative: 5e-3)
    /// Logits of a whole network against PyTorch's.
    public static let network = Tolerance(absolute: 1e-3, relative: 1e-3)
    /// Logits of the small MNIST networks against PyTorch's.
    public static let smallNetwork = Tolerance(absolute: 1e-4, relative: 0)

    /// Whether a value is close enough. Infinities must be the same, and NaN is expected where it comes.
    public func accepts(_ actual: Float, _ expected: Float) -> Bool {
        if expected.isNaN || actual.isNaN { return expected.isNaN && actual.isNaN }
        if expected.isInfinite || actual.isInfinite { return expected == actual }
        let difference = abs(Double(actual) - Double(expected))
        return difference <= absolute + relative * abs(Double(expected))
    }
}
