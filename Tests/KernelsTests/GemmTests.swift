// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

@Suite("gemm")
struct GemmTests {
    /// Heights and widths on both sides of every tile's.
    static let sizes: [(m: Int, n: Int, k: Int)] = [
        (1, 1, 1), (1, 10, 128), (1, 129, 37), (2, 40, 16), (3, 65, 5), (4, 16, 33), (5, 24, 96), (6, 17, 40),
        (6, 48, 11), (6, 70, 8), (7, 48, 24), (8, 30, 9), (8, 48, 10), (8, 83, 12),
        (13, 31, 7), (14, 32, 16), (15, 33, 17), (29, 49, 20), (31, 80, 3), (49, 10, 64), (100, 7, 9), (3, 8, 0),
        (33, 17, 2), (26, 2, 50), (29, 35, 1024), (14, 8, 1024),
    ]

    @Test("matches the reference at every height", arguments: KernelTable.available)
    func matchesReferenceAtEveryHeight(kernels: KernelTable) {
        for m in 1...30 {
            // From one panel to nine.
            for n in stride(from: 1, through: 8 * kernels.panelWidth + 1, by: kernels.panelWidth) {
                let a = randomFloats(m * 5, seed: 21)
                let weight = randomFloats(n * 5, seed: 22)
                let bias = randomFloats(n, seed: 23)
                expectClose(
                    multiply(kernels, a, weight, bias: bias, m: m, n: n, k: 5),
                    Reference.product(a, weight, bias: bias, m: m, n: n, k: 5).map { Float($0) }, .accumulated,
                    "\(m)x\(n)x5")
            }
        }
    }

    /// The ways to hold the last panel of a matrix.
    private func lastPanels(_ kernels: KernelTable, _ n: Int, _ k: Int) -> [LastPanel] {
        kernels.lastPanel(n, k) == .padded ? [.padded] : [.padded, .paired]
    }

    private func multiply(
        _ kernels: KernelTable, _ a: [Float], _ weight: [Float], bias: [Float]?, residual: [Float]? = nil,
        activation: Activation = .none, m: Int, n: Int, k: Int, lastPanel: LastPanel = .padded
    ) -> [Float] {
        let packed = output(kernels.gemm.packedCount(n, k)) { kernels.gemm.pack($0, weight, n, k, lastPanel) }
        return output(m * n) { target in
            bias.withPointer { bias in
                residual.withPointer { residual in
                    kernels.gemm.multiply(
                        target, a, packed, bias: bias, residual: residual, activation, m: m, n: n, k: k, lastPanel)
                }
            }
        }
    }

    @Test("matches the reference on all sizes", arguments: KernelTable.available)
    func matchesReference(kernels: KernelTable) {
        for (m, n, k) in Self.sizes {
            let a = randomFloats(m * k, seed: 1)
            let weight = randomFloats(n * k, seed: 2)
            let bias = randomFloats(n, seed: 3)
            let residual = randomFloats(m * n, seed: 4)
            let expected = Reference.product(a, weight, bias: bias, m: m, n: n, k: k)
            let added = zip(expected, residual).map { Float(Reference.silu($0 + Double($1))) }
            for lastPanel in lastPanels(kernels, n, k) {
                expectClose(
                    multiply(kernels, a, weight, bias: bias, m: m, n: n, k: k, lastPanel: lastPanel),
                    expected.map { Float($0) }, .accumulated, "\(m)x\(n)x\(k), last panel \(lastPanel)")
                expectClose(
                    multiply(
                        kernels, a, weight, bias: bias, residual: residual, activation: .silu, m: m, n: n, k: k,
                        lastPanel: lastPanel),
                    added, .accumulated, "\(m)x\(n)x\(k) with a residual and SiLU, last panel \(lastPanel)")
            }
        }
    }

    @Test("half a panel and even depths are paired", arguments: KernelTable.available)
    func choosesPairs(kernels: KernelTable) {
        let width = kernels.panelWidth
        for (n, k, expected) in [
            (width + 1, 6, LastPanel.paired), (width / 2, 6, .paired), (width / 2 + 1, 6, .padded),
            (2 * width, 6, .padded), (width + 1, 7, .padded),
        ] {
            #expect(kernels.lastPanel(n, k) == expected, "\(n)x\(k)")
        }
    }

    @Test("scaled weights are those of scaled columns", arguments: KernelTable.available)
    func scalesPackedWeights(kernels: KernelTable) {
        for (_, n, k) in Self.sizes {
            let (weight, scale) = (randomFloats(n * k, seed: 8), randomFloats(k, seed: 9))
            let scaled = weight.indices.map { weight[$0] * scale[$0 % k] }
            for lastPanel in lastPanels(kernels, n, k) {
                let packed = output(kernels.gemm.packedCount(n, k)) { kernels.gemm.pack($0, weight, n, k, lastPanel) }
                let actual = output(packed.count) { kernels.gemm.scalePacked($0, packed, scale, n, k, lastPanel) }
                let expected = output(packed.count) { kernels.gemm.pack($0, scaled, n, k, lastPanel) }
                expectClose(actual, expected, .exact, "\(n)x\(k), last panel \(lastPanel)")
            }
        }
    }

    @Test("the bits of a row don't depend on the rows and columns beside it", arguments: KernelTable.available)
    func bitsDoNotDependOnTheSplit(kernels: KernelTable) {
        let (m, n, k) = (61, 146, 70)
        let a = randomFloats(m * k, seed: 5)
        let weight = randomFloats(n * k, seed: 6)
        let bias = randomFloats(n, seed: 7)
        #expect(lastPanels(kernels, n, k).count == 2)
        for lastPanel in lastPanels(kernels, n, k) {
            let whole = multiply(
                kernels, a, weight, bias: bias, activation: .silu, m: m, n: n, k: k, lastPanel: lastPanel)
            let packed = output(kernels.gemm.packedCount(n, k)) { kernels.gemm.pack($0, weight, n, k, lastPanel) }
            for rows in [1, 2, 3, 5, 6, 9, 20] {
                let columns = kernels.panelWidth * (1 + rows % 3)
                let parts = output(m * n) { target in
                    for row in stride(from: 0, to: m, by: rows) {
                        for column in stride(from: 0, to: n, by: columns) {
                            let count = min(columns, n - column)
                            a.withUnsafeBufferPointer { a in
                                packed.withUnsafeBufferPointer { packed in
                                    bias.withUnsafeBufferPointer { bias in
                                        kernels.gemm.multiply(
                                            GemmCall(
                                                output: target + row * n + column, outputStride: n,
                                                input: a.baseAddress! + row * k, inputStride: k,
                                                packed: packed.baseAddress! + column * k,
                                                lastPanel: column + count == n ? lastPanel : .padded,
                                                m: min(rows, m - row), n: count, k: k,
                                                epilogue: Epilogue(
                                                    bias: bias.baseAddress! + column, activation: .silu)))
                                    }
                                }
                            }
                        }
                    }
                }
                expectClose(parts, whole, .exact, "\(rows) rows, \(columns) columns at a time, last \(lastPanel)")
            }
        }
    }

    @Test("the residual may be the output itself", arguments: KernelTable.available)
    func addsInPlace(kernels: KernelTable) {
        let (m, n, k) = (9, 21, 13)
        let a = randomFloats(m * k, seed: 8)
        let weight = randomFloats(n * k, seed: 9)
        let residual = randomFloats(m * n, seed: 10)
        let packed = output(kernels.gemm.packedCount(n, k)) { kernels.gemm.pack($0, weight, n, k, .padded) }
        let inPlace = output(m * n, from: residual) { target in
            kernels.gemm.multiply(target, a, packed, residual: Input(target), .relu, m: m, n: n, k: k)
        }
        let apart = multiply(kernels, a, weight, bias: nil, residual: residual, activation: .relu, m: m, n: n, k: k)
        expectClose(inPlace, apart, .exact)
    }

    @Test("NaN and infinities reach the outputs that they belong to, and no other", arguments: KernelTable.available)
    func passesNaN(kernels: KernelTable) {
        let (m, n, k) = (16, 20, 8)
        var a = randomFloats(m * k, seed: 11)
        a[3 * k + 2] = .nan
        a[9 * k + 1] = .infinity
        let weight = randomFloats(n * k, seed: 12).map { abs($0) + 0.1 }
        let result = multiply(kernels, a, weight, bias: nil, activation: .relu, m: m, n: n, k: k)
        for row in 0..<m {
            for column in 0..<n {
                let value = result[row * n + column]
                #expect(value.isNaN == (row == 3))
                #expect((value == .infinity) == (row == 9))
            }
        }
    }
}

extension Optional<[Float]> {
    /// Calls `body` with the address of the values; nil if there are none.
    func withPointer<Result>(_ body: (Input?) -> Result) -> Result {
        guard let self else { return body(nil) }
        return self.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
