// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Places of elements in memory, in row-major sequence of some dimensions: start + Σ index * stride.
struct Offsets: Sequence, IteratorProtocol {
    private let dimensions: [Int]
    private let strides: [Int]
    private var position: [Int]
    private var offset: Int
    private var left: Int

    init(_ dimensions: [Int], strides: [Int], start: Int = 0) {
        precondition(dimensions.count == strides.count, "a stride for each axis")
        self.dimensions = dimensions
        self.strides = strides
        position = [Int](repeating: 0, count: dimensions.count)
        offset = start
        left = dimensions.reduce(1, *)
    }

    var underestimatedCount: Int { left }

    mutating func next() -> Int? {
        guard left > 0 else { return nil }
        left -= 1
        let result = offset
        var axis = dimensions.count - 1
        while axis >= 0 {
            position[axis] += 1
            offset += strides[axis]
            if position[axis] < dimensions[axis] { break }
            offset -= strides[axis] * dimensions[axis]
            position[axis] = 0
            axis -= 1
        }
        return result
    }
}

extension Shape {
    /// Distances of neighbours along each axis, in elements, in row-major order.
    var strides: [Int] { AxisOrder.rowMajor(rank: rank).strides(of: dimensions) }

    /// Strides with which this shape's elements are read where they are broadcast to another shape: 0 along repeated axes.
    func strides(broadcastTo shape: Shape) -> [Int] {
        let own = strides
        return (0..<shape.rank).map { axis in
            let index = axis - (shape.rank - rank)
            return index < 0 || self[index] == 1 ? 0 : own[index]
        }
    }

    /// Places of this shape's elements, where they are broadcast to another shape.
    func offsets(broadcastTo shape: Shape) -> Offsets {
        Offsets(shape.dimensions, strides: strides(broadcastTo: shape))
    }

    /// The sizes before an axis, multiplied.
    func outer(_ axis: Int) -> Int { dimensions[..<axis].reduce(1, *) }

    /// The sizes behind an axis, multiplied.
    func inner(_ axis: Int) -> Int { dimensions[(axis + 1)...].reduce(1, *) }
}
