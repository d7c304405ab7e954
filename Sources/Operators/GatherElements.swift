// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Single elements of the first input, each at its own place but for one coordinate, which the indices say: `torch.gather`.
///
/// Shape: data, indices I of the same rank → I.
public struct GatherElements: Operator {
    /// The axis whose coordinate the indices say; never negative.
    public var axis: Int

    /// Describes the operator.
    public init(axis: Int) { self.axis = axis }

    /// The field's name.
    public var name: String { "GatherElements" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...2)
        let (x, indices) = (inputs[0].shape, inputs[1].shape)
        guard (0..<x.rank).contains(axis), indices.rank == x.rank, [.int64, .int32].contains(inputs[1].elementType),
            (0..<x.rank).allSatisfy({ $0 == axis || indices[$0] <= x[$0] })
        else { throw fault("axis \(axis), indices \(inputs[1]) of \(x)") }
        return [Fact(inputs[0].elementType, indices)]
    }

    /// Takes the elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        let indices = try self.indices(inputs[1].integers(), below: x[axis])
        let offsets = elementOffsets(indices, inputs[1].shape, axis: axis, in: x)
        return [try inputs[0].moved(offsets, to: inputs[1].shape)]
    }
}

/// Places of elements whose coordinates are those of the indices, but for one axis, where they are the indices.
func elementOffsets(_ indices: [Int], _ shape: Shape, axis: Int, in data: Shape) -> [Int] {
    var strides = data.strides
    let step = strides[axis]
    strides[axis] = 0
    return zip(Offsets(shape.dimensions, strides: strides), indices).map { $0 + $1 * step }
}
