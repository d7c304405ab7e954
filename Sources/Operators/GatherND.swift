// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Slices of the first input, chosen by tuples of indices: the last axis of the second input is a tuple.
///
/// Shape: data [B, D1 ... Dk, R], indices [B, I, k] → [B, I, R].
public struct GatherND: Operator {
    /// Leading axes that both inputs share.
    public var batchDimensions: Int

    /// Describes the operator.
    public init(batchDimensions: Int = 0) { self.batchDimensions = batchDimensions }

    /// The field's name.
    public var name: String { "GatherND" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("batch_dims", "\(batchDimensions)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...2)
        let (x, indices) = (inputs[0].shape.dimensions, inputs[1].shape.dimensions)
        guard inputs[1].elementType == .int64 || inputs[1].elementType == .int32, let count = indices.last,
            (0..<indices.count).contains(batchDimensions), batchDimensions + count <= x.count,
            x[..<batchDimensions] == indices[..<batchDimensions]
        else { throw fault("indices \(inputs[1]) of \(inputs[0].shape)") }
        let shape = try Shape(checking: indices.dropLast() + x[(batchDimensions + count)...])
        return [Fact(inputs[0].elementType, shape)]
    }

    /// Takes the slices.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let result = try outputs(for: inputs.map { Fact($0.elementType, $0.shape) })[0]
        let starts = try tupleOffsets(inputs[1], in: inputs[0].shape, batchDimensions: batchDimensions)
        let count = inputs[1].shape[inputs[1].shape.rank - 1]
        let size = inputs[0].shape.dimensions[(batchDimensions + count)...].reduce(1, *)
        return [try inputs[0].moved(starts.lazy.flatMap { $0..<($0 + size) }, to: result.shape)]
    }
}

extension Operator {
    /// Where the slices begin that tuples of indices choose.
    ///
    /// - Throws: `GraphError.invalidInput` for an index beyond its axis.
    func tupleOffsets(_ indices: Tensor, in data: Shape, batchDimensions: Int = 0) throws -> [Int] {
        let count = indices.shape[indices.shape.rank - 1]
        let strides = data.strides
        let values = indices.integers()
        let tuples = indices.shape.outer(indices.shape.rank - 1)
        let batches = indices.shape.dimensions[..<batchDimensions].reduce(1, *)
        let batchSize = data.dimensions[batchDimensions...].reduce(1, *)
        return try (0..<tuples).map { tuple in
            try (0..<count).reduce(tuple / (tuples / max(batches, 1)) * batchSize) { offset, place in
                let axis = batchDimensions + place
                let index = try self.indices([values[tuple * count + place]], below: data[axis])[0]
                return offset + index * strides[axis]
            }
        }
    }
}
