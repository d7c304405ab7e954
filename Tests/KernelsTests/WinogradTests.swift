// SPDX-License-Identifier: MIT

import Kernels
import TestSupport
import Testing

@Suite("winograd")
struct WinogradTests {
    static let windows: [(window: ReferenceWindow, n: Int)] = [
        (ReferenceWindow(channels: 16, height: 6, width: 6, kernel: (3, 3)), 16),
        (ReferenceWindow(channels: 19, height: 9, width: 13, kernel: (3, 3), padding: (1, 1, 1, 1)), 21),
        (ReferenceWindow(channels: 3, height: 3, width: 17, kernel: (3, 3), padding: (2, 0, 1, 2)), 5),
        (ReferenceWindow(channels: 8, height: 31, width: 50, kernel: (3, 3), padding: (0, 1, 0, 1)), 33),
        (ReferenceWindow(channels: 1, height: 1, width: 1, kernel: (3, 3), padding: (1, 1, 1, 1)), 1),
    ]

    private func convolve(
        _ kernels: KernelTable, _ window: ReferenceWindow, n: Int, image: [Float], weight: [Float], bias: [Float],
        residual: [Float], activation: Activation, tileRowsAtATime: Int = .max
    ) -> [Float] {
        let geometry = window.geometry
        let winograd = kernels.winograd
        let packed = output(winograd.packedCount(n, window.channels)) { winograd.pack($0, weight, n, window.channels) }
        var result: [Float] = []
        _ = output(winograd.scratchCount(geometry, n)) { scratch in
            result = output(geometry.outputHeight * geometry.outputWidth * n) { target in
                let step = min(tileRowsAtATime, geometry.winogradTileRows)
                for row in stride(from: 0, to: geometry.winogradTileRows, by: step) {
                    WinogradCall.with(
                        target, stride: n, image, bias, residual, activation, geometry, columns: n,
                        tileRows: row..<min(row + step, geometry.winogradTileRows)
                    ) { winograd.convolve($0, packed, scratch) }
                }
            }
        }
        return result
    }

    @Test("matches the reference, with bias, residual and activation", arguments: KernelTable.available)
    func matchesReference(kernels: KernelTable) {
        for (window, n) in Self.windows {
            let image = randomFloats(window.height * window.width * window.channels, seed: 1)
            let weight = randomFloats(n * 9 * window.channels, seed: 2)
            let bias = randomFloats(n, seed: 3)
            let residual = randomFloats(window.outputHeight * window.outputWidth * n, seed: 4)
            let sums = window.convolve(image, weight: weight, bias: bias, residual: residual)
            for (activation, reference) in [(Activation.relu, Reference.relu), (.silu, Reference.silu)] {
                let actual = convolve(
                    kernels, window, n: n, image: image, weight: weight, bias: bias, residual: residual,
                    activation: activation)
                expectClose(actual, sums.map { Float(reference($0)) }, .winograd, "\(window), \(activation)")
            }
        }
    }

    @Test("the bits don't depend on the rows of tiles done at a time", arguments: KernelTable.available)
    func bitsDoNotDependOnTheSplit(kernels: KernelTable) {
        for (window, n) in Self.windows {
            let image = randomFloats(window.height * window.width * window.channels, seed: 5)
            let weight = randomFloats(n * 9 * window.channels, seed: 6)
            let bias = randomFloats(n, seed: 7)
            let residual = randomFloats(window.outputHeight * window.outputWidth * n, seed: 8)
            func run(_ rows: Int) -> [Float] {
                convolve(
                    kernels, window, n: n, image: image, weight: weight, bias: bias, residual: residual,
                    activation: .silu, tileRowsAtATime: rows)
            }
            expectClose(run(1), run(.max), .exact, "\(window)")
            expectClose(run(2), run(.max), .exact, "\(window)")
        }
    }

    /// The transformations with plain products between them, some columns at a time.
    private func convolveByParts(
        _ kernels: KernelTable, _ window: ReferenceWindow, n: Int, image: [Float], weight: [Float], bias: [Float],
        residual: [Float], activation: Activation, columnsAtATime: Int
    ) -> [Float] {
        let (geometry, channels, points) = (window.geometry, window.channels, WinogradKernels.points)
        let winograd = kernels.winograd
        let matrices = output(points * channels * n) { winograd.transformFilters($0, weight, n, channels) }
        return output(geometry.outputHeight * geometry.outputWidth * n) { target in
            for row in 0..<geometry.winogradTileRows {
                let tiles = geometry.winogradTileColumns
                let windows = output(points * tiles * channels) {
                    winograd.transformInput($0, image, geometry, row..<row + 1)
                }
                for first in stride(from: 0, to: n, by: columnsAtATime) {
                    let columns = min(columnsAtATime, n - first)
                    var products = [Float](repeating: 0, count: points * tiles * columns)
                    for place in products.indices {
                        let (pointAndTile, column) = place.quotientAndRemainder(dividingBy: columns)
                        let matrix = (pointAndTile / tiles * channels) * n + first + column
                        products[place] = (0..<channels).reduce(0) {
                            $0 + windows[pointAndTile * channels + $1] * matrices[matrix + $1 * n]
                        }
                    }
                    WinogradCall.with(
                        target + first, stride: n, products, Array(bias[first...]), Array(residual[first...]),
                        activation, geometry, columns: columns, tileRows: row..<row + 1
                    ) { winograd.transformOutput($0) }
                }
            }
        }
    }

    @Test("the transformations give the same around another's products", arguments: KernelTable.available)
    func transformationsStandAlone(kernels: KernelTable) {
        for (window, n) in Self.windows {
            let image = randomFloats(window.height * window.width * window.channels, seed: 1)
            let weight = randomFloats(n * 9 * window.channels, seed: 2)
            let bias = randomFloats(n, seed: 3)
            let residual = randomFloats(window.outputHeight * window.outputWidth * n, seed: 4)
            let sums = window.convolve(image, weight: weight, bias: bias, residual: residual)
            for (activation, reference) in [(Activation.relu, Reference.relu), (.silu, Reference.silu)] {
                for columns in [n, 3] {
                    let actual = convolveByParts(
                        kernels, window, n: n, image: image, weight: weight, bias: bias, residual: residual,
                        activation: activation, columnsAtATime: columns)
                    expectClose(actual, sums.map { Float(reference($0)) }, .winograd, "\(window), \(activation)")
                }
            }
        }
    }
}
