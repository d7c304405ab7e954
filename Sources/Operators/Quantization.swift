// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Which scale and zero point an element of a quantised tensor has.
public struct Quantization: Sendable, Hashable {
    /// The axis along which they differ, if there is more than one of them; never negative.
    public var axis: Int
    /// Elements along the axis that share them: 0 if each has its own.
    public var blockSize: Int

    /// Describes a quantisation.
    public init(axis: Int = 1, blockSize: Int = 0) {
        self.axis = axis
        self.blockSize = blockSize
    }

    var attributes: [(name: String, value: String)] {
        [("axis", "\(axis)")] + (blockSize == 0 ? [] : [("block_size", "\(blockSize)")])
    }

    /// Checks that a scale fits: one number, one for each place of the axis, or one for each block.
    ///
    /// - Throws: `GraphError.invalidInput` of `op`.
    func check(_ scale: Shape, for x: Shape, of op: some Operator) throws {
        if scale.elementCount == 1 && scale.rank <= 1 { return }
        let fits: Bool
        if blockSize > 0, x.dimensions.indices.contains(axis) {
            var dimensions = x.dimensions
            dimensions[axis] = (dimensions[axis] + blockSize - 1) / blockSize
            fits = dimensions == scale.dimensions
        } else {
            fits = x.dimensions.indices.contains(axis) && scale == [x[axis]]
        }
        guard fits else { throw op.fault("scale \(scale) for \(x) along axis \(axis)") }
    }

    /// For each element, the place of its scale.
    func places(_ scale: Shape, for x: Shape) -> [Int] {
        if scale.elementCount == 1 { return [Int](repeating: 0, count: x.elementCount) }
        let inner = x.inner(axis)
        return (0..<x.elementCount).map { place in
            let index = place / inner % x[axis]
            guard blockSize > 0 else { return index }
            return (place / (inner * x[axis]) * scale[axis] + index / blockSize) * inner + place % inner
        }
    }
}
