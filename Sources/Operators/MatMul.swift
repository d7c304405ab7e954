// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Products of matrices, or of stacks of them, as numpy's `matmul`.
///
/// Shape: [..., M, K], [..., K, N] → [..., M, N]; a vector counts as a row on the left, as a column on the right.
public struct MatMul: Operator {
    /// Makes the operator; it has no attributes.
    public init() {}

    /// The field's name.
    public var name: String { "MatMul" }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...2)
        var (left, right) = (inputs[0].shape.dimensions, inputs[1].shape.dimensions)
        guard !left.isEmpty, !right.isEmpty else { throw fault("takes matrices, not single values") }
        let (isRow, isColumn) = (left.count == 1, right.count == 1)
        if isRow { left.insert(1, at: 0) }
        if isColumn { right.append(1) }
        guard left[left.count - 1] == right[right.count - 2] else {
            throw fault("matrices \(inputs[0].shape) and \(inputs[1].shape) do not fit")
        }
        var dimensions = try broadcast([Shape(left.dropLast(2)), Shape(right.dropLast(2))]).dimensions
        if !isRow { dimensions.append(left[left.count - 2]) }
        if !isColumn { dimensions.append(right[right.count - 1]) }
        return [Fact(inputs[0].elementType, try Shape(checking: dimensions))]
    }

    /// Multiplies the matrices.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let result = try outputs(for: inputs.map { Fact($0.elementType, $0.shape) })[0]
        var (left, right) = (inputs[0].shape.dimensions, inputs[1].shape.dimensions)
        if left.count == 1 { left.insert(1, at: 0) }
        if right.count == 1 { right.append(1) }
        let (m, k, n) = (left[left.count - 2], left[left.count - 1], right[right.count - 1])
        let stack = try broadcast([Shape(left.dropLast(2)), Shape(right.dropLast(2))])
        let (a, b) = (inputs[0].doubles(), inputs[1].doubles())
        var values: [Double] = []
        values.reserveCapacity(result.elementCount)
        let places = zip(
            Shape(left.dropLast(2)).offsets(broadcastTo: stack), Shape(right.dropLast(2)).offsets(broadcastTo: stack))
        for (leftMatrix, rightMatrix) in places {
            for row in 0..<m {
                for column in 0..<n {
                    var sum = 0.0
                    for depth in 0..<k {
                        sum += a[(leftMatrix * m + row) * k + depth] * b[(rightMatrix * k + depth) * n + column]
                    }
                    values.append(sum)
                }
            }
        }
        return [try Tensor(values, as: result.elementType, shape: result.shape)]
    }
}
