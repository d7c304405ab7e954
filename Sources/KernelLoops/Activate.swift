// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

/// A function of one vector, as a type, so that each loop over it is compiled with the function inside.
protocol LaneFunction {
    static func apply(_ x: Lanes) -> Lanes
}

enum Identity: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { x }
}
enum ReLU: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { larger(x, 0) }
}
enum ReLU6: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { smaller(larger(x, 0), 6) }
}
enum SiLU: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { silu(x) }
}
enum Sigmoid: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { sigmoid(x) }
}
enum Tanh: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { hyperbolicTangent(x) }
}
enum HardSwish: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { hardSwish(x) }
}
enum HardSigmoid: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { hardSigmoid(x) }
}
enum GELU: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { gelu(x) }
}
enum GELUByTanh: LaneFunction {
    @_transparent static func apply(_ x: Lanes) -> Lanes { geluByTanh(x) }
}

/// output[r, c] = activation(input[r, c]) over a block of a larger matrix. Works in place.
@inline(never)
func activateRows(
    _ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int, _ activation: Activation,
    rows: Int, columns: Int
) {
    switch activation {
    case .none: mapRows(Identity.self, output, outputStride, input, inputStride, rows, columns)
    case .relu: mapRows(ReLU.self, output, outputStride, input, inputStride, rows, columns)
    case .relu6: mapRows(ReLU6.self, output, outputStride, input, inputStride, rows, columns)
    case .silu: mapRows(SiLU.self, output, outputStride, input, inputStride, rows, columns)
    case .sigmoid: mapRows(Sigmoid.self, output, outputStride, input, inputStride, rows, columns)
    case .tanh: mapRows(Tanh.self, output, outputStride, input, inputStride, rows, columns)
    case .hardSwish: mapRows(HardSwish.self, output, outputStride, input, inputStride, rows, columns)
    case .hardSigmoid: mapRows(HardSigmoid.self, output, outputStride, input, inputStride, rows, columns)
    case .gelu: mapRows(GELU.self, output, outputStride, input, inputStride, rows, columns)
    case .geluTanh: mapRows(GELUByTanh.self, output, outputStride, input, inputStride, rows, columns)
    }
}

@inline(__always)
private func mapRows<Function: LaneFunction>(
    _: Function.Type, _ output: Output, _ outputStride: Int, _ input: Input, _ inputStride: Int,
    _ rows: Int, _ columns: Int
) {
    let whole = columns / laneCount * laneCount
    for row in 0..<rows {
        let source = input + row * inputStride
        let target = output + row * outputStride
        var column = 0
        while column < whole {
            store(Function.apply(load(source + column)), target + column)
            column += laneCount
        }
        if column < columns {
            let rest = columns - column
            store(Function.apply(load(source + column, count: rest)), target + column, count: rest)
        }
    }
}

/// Applies the activation in place to one vector of channels of `pixels` consecutive pixels, and adds the results up.
///
/// - Parameters:
///   - sums: Where the sum over the pixels goes, if it is wanted.
///   - count: Channels in the vector; the others are neither read nor written.
@inline(never)
func activateChannels(
    _ output: Output, _ pixelStride: Int, _ activation: Activation, pixels: Int, sums: Output?, count: Int
) {
    switch activation {
    case .none: mapChannels(Identity.self, output, pixelStride, pixels, sums, count)
    case .relu: mapChannels(ReLU.self, output, pixelStride, pixels, sums, count)
    case .relu6: mapChannels(ReLU6.self, output, pixelStride, pixels, sums, count)
    case .silu: mapChannels(SiLU.self, output, pixelStride, pixels, sums, count)
    case .sigmoid: mapChannels(Sigmoid.self, output, pixelStride, pixels, sums, count)
    case .tanh: mapChannels(Tanh.self, output, pixelStride, pixels, sums, count)
    case .hardSwish: mapChannels(HardSwish.self, output, pixelStride, pixels, sums, count)
    case .hardSigmoid: mapChannels(HardSigmoid.self, output, pixelStride, pixels, sums, count)
    case .gelu: mapChannels(GELU.self, output, pixelStride, pixels, sums, count)
    case .geluTanh: mapChannels(GELUByTanh.self, output, pixelStride, pixels, sums, count)
    }
}

@inline(__always)
private func mapChannels<Function: LaneFunction>(
    _: Function.Type, _ output: Output, _ pixelStride: Int, _ pixels: Int, _ sums: Output?, _ count: Int
) {
    var total = all(0)
    if count == laneCount {
        for pixel in 0..<pixels {
            let value = Function.apply(load(output + pixel * pixelStride))
            store(value, output + pixel * pixelStride)
            total = total + value
        }
        if let sums { store(total, sums) }
    } else {
        for pixel in 0..<pixels {
            let value = Function.apply(load(output + pixel * pixelStride, count: count))
            store(value, output + pixel * pixelStride, count: count)
            total = total + value
        }
        if let sums { store(total, sums, count: count) }
    }
}

#endif
