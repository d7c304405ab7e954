// SPDX-License-Identifier: MIT

import Glibc

/// What the kernels must compute, in Double and as plainly as it can be said. Shares no code with them.
public enum Reference {
    /// a [m, k] times the transpose of b [n, k], plus bias [n].
    public static func product(_ a: [Float], _ b: [Float], bias: [Float]?, m: Int, n: Int, k: Int) -> [Double] {
        var result: [Double] = []
        for row in 0..<m {
            for column in 0..<n {
                var sum = bias.map { Double($0[column]) } ?? 0
                for depth in 0..<k { sum += Double(a[row * k + depth]) * Double(b[column * k + depth]) }
                result.append(sum)
            }
        }
        return result
    }

    /// The natural functions behind PyTorch's activations.
    public static func relu(_ x: Double) -> Double { x.isNaN ? x : max(0, x) }
    /// Clamps to 0 ... 6.
    public static func relu6(_ x: Double) -> Double { x.isNaN ? x : min(6, max(0, x)) }
    /// 1 / (1 + e^-x).
    public static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    /// x sigmoid(x).
    public static func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
    /// The hyperbolic tangent.
    public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
    /// relu6(x + 3) / 6.
    public static func hardSigmoid(_ x: Double) -> Double { relu6(x + 3) / 6 }
    /// x relu6(x + 3) / 6.
    public static func hardSwish(_ x: Double) -> Double { x * relu6(x + 3) / 6 }
    /// x Φ(x).
    public static func gelu(_ x: Double) -> Double { x * erfc(-x / 2.0.squareRoot()) / 2 }
    /// GELU's approximation by tanh.
    public static func geluTanh(_ x: Double) -> Double {
        x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }

    /// e to the power of x.
    public static func exponential(_ x: Double) -> Double { exp(x) }
    /// The natural logarithm.
    public static func logarithm(_ x: Double) -> Double { log(x) }

    /// e^x / Σ e^x of one row.
    public static func softmax(_ row: [Float]) -> [Double] {
        let largest = row.map(Double.init).max() ?? 0
        let powers = row.map { exp(Double($0) - largest) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }
}

/// A window over an image, with the values that it meets: what convolutions and poolings are tested with.
public struct ReferenceWindow: Sendable {
    /// Channels of the image.
    public var channels: Int
    /// Rows of the image.
    public var height: Int
    /// Columns of the image.
    public var width: Int
    /// Height and width of the window.
    public var kernel: (Int, Int)
    /// Steps of the window, down and right.
    public var stride: (Int, Int)
    /// Distances between its taps, down and right.
    public var dilation: (Int, Int)
    /// Imagined rows and columns: top, left, bottom, right.
    public var padding: (Int, Int, Int, Int)

    /// Describes a window.
    public init(
        channels: Int, height: Int, width: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
        dilation: (Int, Int) = (1, 1), padding: (Int, Int, Int, Int) = (0, 0, 0, 0)
    ) {
        (self.channels, self.height, self.width) = (channels, height, width)
        (self.kernel, self.stride, self.dilation, self.padding) = (kernel, stride, dilation, padding)
    }

    /// Height of the output, rounded down.
    public var outputHeight: Int {
        (height + padding.0 + padding.2 - dilation.0 * (kernel.0 - 1) - 1) / stride.0 + 1
    }

    /// Width of the output, rounded down.
    public var outputWidth: Int {
        (width + padding.1 + padding.3 - dilation.1 * (kernel.1 - 1) - 1) / stride.1 + 1
    }

    /// The values of one channel under the window at an output pixel, tap by tap; nil in the padding.
    public func values(_ image: [Float], outputY: Int, outputX: Int, channel: Int) -> [Double?] {
        var result: [Double?] = []
        for kernelY in 0..<kernel.0 {
            for kernelX in 0..<kernel.1 {
                let y = outputY * stride.0 + kernelY * dilation.0 - padding.0
                let x = outputX * stride.1 + kernelX * dilation.1 - padding.1
                let isInside = y >= 0 && y < height && x >= 0 && x < width
                result.append(isInside ? Double(image[(y * width + x) * channels + channel]) : nil)
            }
        }
        return result
    }

    /// A function of the window's values at every output pixel and channel, channels last.
    public func map(_ image: [Float], _ function: (_ values: [Double?], _ channel: Int) -> Double) -> [Double] {
        var result: [Double] = []
        for y in 0..<outputHeight {
            for x in 0..<outputWidth {
                for channel in 0..<channels {
                    result.append(function(values(image, outputY: y, outputX: x, channel: channel), channel))
                }
            }
        }
        return result
    }

    /// A convolution of an image, plus bias and residual, channels last.
    ///
    /// - Parameters:
    ///   - weight: [filters, kernel height, kernel width, channels].
    ///   - bias: One for each filter.
    ///   - residual: [output height, output width, filters].
    /// - Returns: [output height, output width, filters].
    public func convolve(_ image: [Float], weight: [Float], bias: [Float], residual: [Float]) -> [Double] {
        let taps = kernel.0 * kernel.1
        var result: [Double] = []
        for y in 0..<outputHeight {
            for x in 0..<outputWidth {
                let columns = (0..<channels).map { values(image, outputY: y, outputX: x, channel: $0) }
                for filter in bias.indices {
                    var sum = Double(bias[filter]) + Double(residual[result.count])
                    for tap in 0..<taps {
                        let factors = weight[((filter * taps + tap) * channels)...]
                        for (column, factor) in zip(columns, factors) { sum += (column[tap] ?? 0) * Double(factor) }
                    }
                    result.append(sum)
                }
            }
        }
        return result
    }
}
