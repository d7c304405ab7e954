// SPDX-License-Identifier: MIT

import Kernels

// The kernels' calls with addresses that hold while they run: those that an array is passed as.

extension GemmKernels {
    /// A product of dense matrices.
    func multiply(
        _ output: Output, _ input: Input, _ packed: Input, bias: Input? = nil, residual: Input? = nil,
        _ activation: Activation = .none, m: Int, n: Int, k: Int, _ lastPanel: LastPanel = .padded
    ) {
        multiply(
            GemmCall(
                output: output, outputStride: n, input: input, inputStride: k, packed: packed, lastPanel: lastPanel,
                m: m, n: n, k: k, epilogue: Epilogue(bias: bias, residual: residual, activation: activation)))
    }
}

/// Some lines by one of the kernels for windows.
func convolve(
    _ kernel: (WindowsCall) -> Void, _ output: Output, _ input: Input, _ packed: Input, _ bias: Input?,
    _ residual: Input?, _ activation: Activation, _ lines: ConvolutionLines, groups: Int = 1
) {
    kernel(
        WindowsCall(
            output: output, input: input, packed: packed,
            epilogue: Epilogue(bias: bias, residual: residual, activation: activation), lines: lines, groups: groups))
}

extension DepthwiseKernels {
    /// Some rows of all channels.
    func convolve(
        _ output: Output, sums: Output? = nil, _ input: Input, _ packed: Input, _ bias: Input?,
        _ activation: Activation, _ geometry: WindowGeometry, rows: Range<Int>
    ) {
        convolve(
            DepthwiseCall(
                output: output, outputStride: geometry.channels, rowSums: sums, input: input,
                inputStride: geometry.channels, packed: packed, epilogue: Epilogue(bias: bias, activation: activation),
                geometry: geometry, rows: rows))
    }
}

extension WinogradCall {
    /// Describes a call whose addresses hold while `body` runs.
    static func with(
        _ output: Output, stride: Int, _ input: Input, _ bias: Input?, _ residual: Input?, _ activation: Activation,
        _ geometry: WindowGeometry, columns: Int, tileRows: Range<Int>, _ body: (WinogradCall) -> Void
    ) {
        body(
            WinogradCall(
                output: output, outputStride: stride, input: input,
                epilogue: Epilogue(bias: bias, residual: residual, activation: activation), geometry: geometry,
                columns: columns, tileRows: tileRows))
    }
}
