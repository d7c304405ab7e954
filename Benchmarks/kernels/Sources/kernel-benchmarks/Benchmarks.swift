// SPDX-License-Identifier: MIT

import BLAS
import Benchmark
import Kernels

// Times kernels on the shapes of EfficientNet-B0 and of the MNIST network, at the level that SWIFTNET_ISA names, else at the
// widest that the processor has.
//
//     swift run -c release --package-path Benchmarks/kernels
//     swift run -c release --package-path Benchmarks/kernels kernel-benchmarks --filter depthwise
//
// The products of "gemm" and "openblas" are the same: SWIFTNET_ISA=portable compares what LibraryCosts compares.

@main
enum KernelBenchmarks {
    static func main() throws {
        let kernels = try KernelTable.selection.get()
        print("\(kernels.name) kernels")
        for (m, n, k) in [
            (12544, 16, 32), (12544, 96, 16), (3136, 24, 144), (3136, 144, 24), (784, 240, 40), (784, 40, 240),
            (196, 480, 80), (196, 112, 672), (49, 1152, 192), (49, 192, 1152), (49, 1280, 320), (1, 128, 9216),
            (32, 128, 9216), (1, 128, 784),
        ] {
            gemm(kernels, m: m, n: n, k: k)
            if case .success(let library) = OpenBLAS.shared { openBLAS(library, kernels, m: m, n: n, k: k) }
        }
        for (channels, size, window, step) in [
            (32, 112, 3, 1), (96, 112, 3, 2), (144, 56, 5, 2), (240, 28, 5, 1), (480, 14, 3, 1), (672, 14, 5, 1),
            (1152, 7, 5, 1),
        ] {
            depthwise(kernels, channels: channels, size: size, window: window, step: step)
        }
        for (channels, n, size) in [(32, 64, 26), (64, 64, 56), (128, 128, 28), (256, 256, 14), (512, 512, 7)] {
            convolution3x3(kernels, channels: channels, n: n, size: size)
        }
        for activation in Activation.allCases { activate(kernels, activation) }
        Benchmark.main()
    }

    /// A matrix product alone, and with SiLU.
    private static func gemm(_ kernels: KernelTable, m: Int, n: Int, k: Int) {
        let (input, weight, bias, output) = (numbers(m * k), numbers(n * k), numbers(n), numbers(m * n))
        let packed = numbers(kernels.gemm.packedCount(n, k))
        let lastPanel = kernels.lastPanel(n, k)
        kernels.gemm.pack(packed, weight, n, k, lastPanel)
        for activation in [Activation.none, .silu] {
            benchmark("gemm \(m)x\(n)x\(k) \(activation)") {
                kernels.gemm.multiply(
                    GemmCall(
                        output: output, outputStride: n, input: input, inputStride: k, packed: packed,
                        lastPanel: lastPanel, m: m, n: n, k: k,
                        epilogue: Epilogue(bias: bias, activation: activation)))
            }
        }
    }

    /// A product by OpenBLAS, onto the biases, and followed by SiLU.
    private static func openBLAS(_ library: OpenBLAS, _ kernels: KernelTable, m: Int, n: Int, k: Int) {
        let (input, weight, bias, output) = (numbers(m * k), numbers(n * k), numbers(n), numbers(m * n))
        for activation in [Activation.none, .silu] {
            benchmark("openblas \(m)x\(n)x\(k) \(activation)") {
                kernels.elementwise.beginRows(output, n, Epilogue(bias: bias), m, n)
                library.addProduct(output, n, input, k, weight, n, m: m, n: n, k: k)
                kernels.elementwise.activateRows(output, n, activation, m, n)
            }
        }
    }

    /// A depthwise convolution with SiLU and the sums of its rows.
    private static func depthwise(_ kernels: KernelTable, channels: Int, size: Int, window: Int, step: Int) {
        let out = (size + step - 1) / step
        let padding = (out - 1) * step + window - size
        let geometry = WindowGeometry(
            channels: channels, inputHeight: size, inputWidth: size, outputHeight: out, outputWidth: out,
            kernelHeight: window, kernelWidth: window, strideHeight: step, strideWidth: step, padTop: padding / 2,
            padLeft: padding / 2, padBottom: padding - padding / 2, padRight: padding - padding / 2)
        let (input, output) = (numbers(size * size * channels), numbers(out * out * channels))
        let (weight, bias, sums) = (numbers(window * window * channels), numbers(channels), numbers(out * channels))
        benchmark("depthwise \(window)x\(window) stride \(step) \(channels)x\(size)x\(size)") {
            kernels.depthwise.convolve(
                DepthwiseCall(
                    output: output, outputStride: channels, rowSums: sums, input: input, inputStride: channels,
                    packed: weight, epilogue: Epilogue(bias: bias, activation: .silu), geometry: geometry,
                    rows: 0..<out))
        }
    }

    /// A 3x3 convolution in both ways.
    private static func convolution3x3(_ kernels: KernelTable, channels: Int, n: Int, size: Int) {
        let out = size - 2
        let geometry = WindowGeometry(
            channels: channels, inputHeight: size, inputWidth: size, outputHeight: out, outputWidth: out,
            kernelHeight: 3, kernelWidth: 3)
        let (input, output) = (numbers(size * size * channels), numbers(out * out * n))
        let (weight, bias) = (numbers(n * 9 * channels), numbers(n))
        let packed = numbers(kernels.gemm.packedCount(n, 9 * channels))
        kernels.gemm.pack(packed, weight, n, 9 * channels, .padded)
        let lines = ConvolutionLines(
            lineCount: out, linePixels: out, outChannels: n, outputStride: n, outputLineStride: out * n,
            inputStride: channels, inputLineStride: size * channels, windowRows: 3, windowRowStride: size * channels,
            windowTaps: 1, windowTapStride: 0, tapLength: 3 * channels)
        benchmark("implicit gemm 3x3 \(channels)>\(n) \(size)x\(size)") {
            kernels.windows.convolve(
                WindowsCall(
                    output: output, input: input, packed: packed,
                    epilogue: Epilogue(bias: bias, activation: .relu), lines: lines))
        }
        let winograd = kernels.winograd
        let transformed = numbers(winograd.packedCount(n, channels))
        winograd.pack(transformed, weight, n, channels)
        let scratch = numbers(winograd.scratchCount(geometry, n))
        benchmark("winograd 3x3 \(channels)>\(n) \(size)x\(size)") {
            winograd.convolve(
                WinogradCall(
                    output: output, outputStride: n, input: input,
                    epilogue: Epilogue(bias: bias, activation: .relu), geometry: geometry, columns: n,
                    tileRows: 0..<geometry.winogradTileRows), transformed, scratch)
        }
    }

    /// 8192 values, which lie in L1.
    private static func activate(_ kernels: KernelTable, _ activation: Activation) {
        let (input, output) = (numbers(8192), numbers(8192))
        benchmark("\(activation) of 8192") { kernels.elementwise.activate(output, input, activation, 8192) }
    }

    /// Values between -1 and 1, the same on every run; they stay until the process ends.
    private static func numbers(_ count: Int) -> Output {
        let values = Output.allocate(capacity: max(1, count))
        var state: UInt32 = 1
        for index in 0..<count {
            state = state &* 1_664_525 &+ 1_013_904_223
            (values + index).initialize(to: Float(Int32(bitPattern: state) >> 8) / Float(1 << 23))
        }
        return values
    }
}
