// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Elements and slices by their indices.
    static var selections: [String: Translator] {
        [
            "Gather": { [try gather($0)] },
            "GatherElements": { context in
                let x = try context.input(0)
                let axis = try context.axis(context.int("axis", 0), of: context.shape(x).rank)
                return [try context.add(GatherElements(axis: axis), x, context.input(1))]
            },
            "GatherND": { context in
                let op = GatherND(batchDimensions: try context.int("batch_dims", 0))
                return [try context.add(op, context.input(0), context.input(1))]
            },
            "Scatter": scatterElements,
            "ScatterElements": scatterElements,
            "ScatterND": { context in
                let op = ScatterND(reduction: try context.choice("reduction", ScatterReduction.none))
                return [try context.add(op, context.input(0), context.input(1), context.input(2))]
            },
            "OneHot": { context in
                let indices = try context.input(0)
                guard let depth = try context.integers(1, "the depth")?.first else { throw context.invalid("no depth") }
                let axis = try context.axis(context.int("axis", -1), of: context.shape(indices).rank + 1)
                return [try context.add(OneHot(axis: axis, depth: depth), indices, context.input(2))]
            },
            "NonZero": nonZero,
            "Compress": compress,
            "ReverseSequence": { [try reverseSequence($0)] },
        ]
    }

    private static func gather(_ context: NodeContext) throws -> Graph.ValueID {
        let (x, indices) = (try context.input(0), try context.input(1))
        let axis = try context.axis(context.int("axis", 0), of: context.shape(x).rank)
        return try context.add(Gather(axis: axis), x, indices)
    }

    private static func scatterElements(_ context: NodeContext) throws -> [Graph.ValueID?] {
        let x = try context.input(0)
        let op = ScatterElements(
            axis: try context.axis(context.int("axis", 0), of: context.shape(x).rank),
            reduction: try context.choice("reduction", ScatterReduction.none))
        return [try context.add(op, x, context.input(1), context.input(2))]
    }

    private static func nonZero(_ context: NodeContext) throws -> [Graph.ValueID?] {
        guard let x = try context.known(0, "the value") else { throw context.invalid("the value is missing") }
        let strides = AxisOrder.rowMajor(rank: x.shape.rank).strides(of: x.shape.dimensions)
        let places = x.doubles().enumerated().compactMap { $0.element != 0 ? $0.offset : nil }
        let coordinates = (0..<x.shape.rank).flatMap { axis in places.map { $0 / strides[axis] % x.shape[axis] } }
        let shape = try Shape(checking: [x.shape.rank, places.count])
        return [try context.constant(Tensor(coordinates, as: .int64, shape: shape))]
    }

    private static func compress(_ context: NodeContext) throws -> [Graph.ValueID?] {
        var x = try context.input(0)
        guard let condition = try context.integers(1, "the condition") else { throw context.invalid("no condition") }
        let given = try context.int("axis")
        if given == nil { x = try context.reshape(x, [context.shape(x).elementCount]) }
        let axis = try context.axis(given ?? 0, of: context.shape(x).rank)
        let places = condition.prefix(context.shape(x)[axis]).enumerated().compactMap {
            $0.element != 0 ? $0.offset : nil
        }
        return [try context.add(Gather(axis: axis), x, context.constant(Tensor(integers: places)))]
    }

    /// Each sequence's first elements in reverse: taken by indices that are known.
    private static func reverseSequence(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        let (batch, time) = (try context.int("batch_axis", 1), try context.int("time_axis", 0))
        guard let lengths = try context.integers(1, "the lengths"), shape.rank >= 2, [batch, time].sorted() == [0, 1],
            lengths.count == shape[batch], lengths.allSatisfy({ (0...shape[time]).contains($0) })
        else { throw context.invalid("the lengths or axes of \(shape)") }
        let inner = shape.dimensions[2...].reduce(1, *)
        let indices = (0..<shape.elementCount).map { place -> Int in
            let (first, second) = (place / (inner * shape[1]), place / inner % shape[1])
            let (step, length) = time == 0 ? (first, lengths[second]) : (second, lengths[first])
            return step < length ? length - 1 - step : step
        }
        let tensor = try Tensor(indices, as: .int64, shape: shape)
        return try context.add(GatherElements(axis: time), x, context.constant(tensor))
    }
}
