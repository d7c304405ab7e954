// SPDX-License-Identifier: MIT

import Graphs
import Tensors

extension Operator {
    /// An error of this operator.
    func fault(_ reason: String) -> GraphError { .invalidInput(operator: name, reason: reason) }

    /// Checks how many inputs there are.
    ///
    /// - Throws: `GraphError.invalidInput`.
    func expect(_ inputs: [Fact], count: ClosedRange<Int>) throws {
        guard count.contains(inputs.count) else {
            let expected = count.count == 1 ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
            throw fault("takes \(expected) inputs, not \(inputs.count)")
        }
    }

    /// An axis counted from the front: negative ones count from the back.
    ///
    /// - Throws: `GraphError.invalidInput` if the value has no such axis.
    func normalized(axis: Int, rank: Int) throws -> Int {
        guard (-rank..<rank).contains(axis) else { throw fault("axis \(axis) of a value of \(rank) dimensions") }
        return axis < 0 ? axis + rank : axis
    }

    /// The shape to which shapes are broadcast together, as numpy does it.
    ///
    /// - Throws: `GraphError.invalidInput` if two sizes differ and neither is 1.
    func broadcast(_ shapes: [Shape]) throws -> Shape {
        let rank = shapes.map(\.rank).max() ?? 0
        let dimensions = try (0..<rank).map { axis in
            var size = 1
            for shape in shapes {
                let own = axis - (rank - shape.rank)
                guard own >= 0, shape[own] != 1 else { continue }
                guard size == 1 || size == shape[own] else {
                    throw fault(
                        "shapes \(shapes.map(\.description).joined(separator: " and ")) cannot be broadcast together")
                }
                size = shape[own]
            }
            return size
        }
        return try Shape(checking: dimensions)
    }
}
