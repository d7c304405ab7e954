// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Values one after the other along an axis.
public struct Concat: Operator {
    /// The axis; never negative.
    public var axis: Int

    /// Describes the operator.
    public init(axis: Int) { self.axis = axis }

    /// The field's name.
    public var name: String { "Concat" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("axis", "\(axis)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        guard let first = inputs.first, (0..<first.shape.rank).contains(axis) else {
            throw fault("takes one value or more with an axis \(axis)")
        }
        var dimensions = first.shape.dimensions
        dimensions[axis] = 0
        for input in inputs {
            var own = input.shape.dimensions
            guard own.count == dimensions.count, input.elementType == first.elementType else {
                throw fault("\(input) does not fit \(first)")
            }
            let (sum, overflow) = dimensions[axis].addingReportingOverflow(own[axis])
            dimensions[axis] = sum
            own[axis] = sum
            guard own == dimensions, !overflow else { throw fault("\(input) does not fit \(first)") }
        }
        return [Fact(first.elementType, try Shape(checking: dimensions))]
    }

    /// Copies the values one behind the other.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let fact = try outputs(for: inputs.map { Fact($0.elementType, $0.shape) })[0]
        let size = fact.elementType.byteCount
        // Bytes of one place before the axis: in the result, and in each input.
        let row = fact.shape.inner(axis) * fact.shape[axis] * size
        let storage = TensorStorage(byteCount: fact.byteCount) { target in
            var start = 0
            for input in inputs {
                let part = input.shape.inner(axis) * input.shape[axis] * size
                input.withUnsafeBytes { source in
                    for block in 0..<fact.shape.outer(axis) where part > 0 {
                        UnsafeMutableRawBufferPointer(rebasing: target[(block * row + start)...]).copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: source[(block * part)..<((block + 1) * part)]))
                    }
                }
                start += part
            }
        }
        return [try Tensor(shape: fact.shape, elementType: fact.elementType, storage: storage)]
    }
}
