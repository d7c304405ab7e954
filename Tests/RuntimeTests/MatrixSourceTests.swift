// SPDX-License-Identifier: MIT

import Kernels
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// The rows that packing reads, against what they are by definition, in each way that a tensor can hold them.
@Suite struct MatrixSourceTests {
    private static let sizes = [(1, 1, 1), (3, 4, 1), (5, 3, 7), (17, 6, 9), (16, 16, 16), (33, 19, 5)]
    private static let types: [ElementType] = [.float32, .float64, .float16, .int8]

    /// Small whole numbers, which each type holds, as a tensor of that type.
    private func tensor(_ numbers: [Int], _ type: ElementType, _ shape: Shape) throws -> Tensor {
        let storage = TensorStorage(byteCount: numbers.count * type.byteCount) { bytes in
            for (index, number) in numbers.enumerated() {
                let offset = index * type.byteCount
                switch type {
                case .float64: bytes.storeBytes(of: Double(number), toByteOffset: offset, as: Double.self)
                case .float16: bytes.storeBytes(of: Float(number).halfBits, toByteOffset: offset, as: UInt16.self)
                case .int8: bytes.storeBytes(of: Int8(number), toByteOffset: offset, as: Int8.self)
                default: bytes.storeBytes(of: Float(number), toByteOffset: offset, as: Float.self)
                }
            }
        }
        return try Tensor(shape: shape, elementType: type, storage: storage)
    }

    @Test(arguments: KernelTable.available)
    func rowsAreReadInEachForm(kernels: KernelTable) throws {
        var generator = SeededGenerator(seed: 1)
        for (rows, channels, pixels) in Self.sizes {
            let depth = channels * pixels
            let numbers = (0..<rows * depth).map { _ in Int.random(in: -100...100, using: &generator) }
            let variances = (0..<rows).map { _ in Float.random(in: 0.5...2, using: &generator) }
            let norm = FoldedBatchNorm(
                epsilon: 0.5,
                constants: [[Float](repeating: 3, count: rows), variances, variances, variances].map {
                    ("norm", Tensor($0, shape: [rows]))
                })
            for type in Self.types {
                for isTransposed in [false, true] {
                    for isScaled in [false, true] {
                        let stored =
                            isTransposed
                            ? (0..<depth).flatMap { place in (0..<rows).map { numbers[$0 * depth + place] } } : numbers
                        let shape: Shape = isTransposed ? [depth, rows] : [rows, depth]
                        var source = MatrixSource(
                            name: "weight", tensor: try tensor(stored, type, shape), rows: rows, kernels: kernels)
                        source.isTransposed = isTransposed
                        source.pixels = pixels
                        source.scale = isScaled ? norm : nil
                        var expected: [Float] = []
                        for row in 0..<rows {
                            let factor = isScaled ? 3 / (Double(variances[row]) + 0.5).squareRoot() : 1
                            for pixel in 0..<pixels {
                                for channel in 0..<channels {
                                    expected.append(
                                        Float(Double(numbers[row * depth + channel * pixels + pixel]) * factor))
                                }
                            }
                        }
                        #expect(try source.floats() == expected, "\(type), \(rows) x \(channels) x \(pixels)")
                        var blocks: [Float] = []
                        try source.forEachBlock(of: 0..<rows, multiple: 4) { block, values in
                            blocks += UnsafeBufferPointer(start: values, count: block.count * depth)
                        }
                        #expect(blocks == expected, "\(type), \(rows) x \(channels) x \(pixels), in blocks")
                    }
                }
            }
        }
    }

    @Test func whatIsNotFiniteIsNamed() throws {
        let kernels = try #require(KernelTable.available.first)
        for isTransposed in [false, true] {
            for pixels in [1, 3] {
                var numbers = [Float](repeating: 1, count: 4 * 6)
                numbers[13] = .nan
                let tensor = Tensor(numbers, shape: isTransposed ? [6, 4] : [4, 6])
                var source = MatrixSource(name: "weight", tensor: tensor, rows: 4, kernels: kernels)
                source.isTransposed = isTransposed
                source.pixels = pixels
                #expect(throws: TensorError.notFinite(name: "weight", count: 1)) { try source.floats() }
            }
        }
    }
}
