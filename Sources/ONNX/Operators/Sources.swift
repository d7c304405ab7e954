// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Values that come from nowhere, or from shapes only.
    static var sources: [String: Translator] {
        [
            "Constant": { [try constant($0)] },
            "ConstantOfShape": { context in
                let shape = try Shape(checking: context.integers(0, "the shape") ?? [])
                let value = try context.tensor("value") ?? Tensor([0], shape: [1])
                guard value.elementCount == 1 else { throw context.invalid("a value of \(value.shape)") }
                return [try context.add(Expand(shape), context.constant(value.reshaped(to: [])))]
            },
            "Shape": { context in
                let dimensions = try context.shape(context.input(0)).dimensions
                func place(_ value: Int) -> Int {
                    min(max(value < 0 ? max(value, -dimensions.count) + dimensions.count : value, 0), dimensions.count)
                }
                let start = place(try context.int("start", 0))
                let end = place(try context.int("end", dimensions.count))
                return [try context.constant(Tensor(integers: start < end ? Array(dimensions[start..<end]) : []))]
            },
            "Size": { context in
                let count = try context.shape(context.input(0)).elementCount
                return [try context.constant(Tensor([count], as: .int64, shape: []))]
            },
            "Range": { [try range($0)] },
            "EyeLike": { [try eye($0)] },
        ]
    }

    private static func constant(_ context: NodeContext) throws -> Graph.ValueID {
        if let tensor = try context.tensor("value") { return try context.constant(tensor) }
        if let value = try context.float("value_float") {
            return try context.constant(Tensor([Float(value)], shape: []))
        }
        if let value = try context.int("value_int") {
            return try context.constant(Tensor([value], as: .int64, shape: []))
        }
        if let values = try context.floats("value_floats") {
            return try context.constant(Tensor(values.map { Float($0) }, shape: Shape([values.count])))
        }
        if let values = try context.ints("value_ints") { return try context.constant(Tensor(integers: values)) }
        throw context.unsupported("a constant of text or of a sparse tensor")
    }

    private static func range(_ context: NodeContext) throws -> Graph.ValueID {
        guard let start = try context.known(0, "the start"), let limit = try context.numbers(1, "the limit")?.first,
            let delta = try context.numbers(2, "the step")?.first, let first = start.doubles().first
        else { throw context.invalid("takes a start, a limit and a step") }
        let count = ((limit - first) / delta).rounded(.up)
        guard delta != 0, count.isFinite, count <= Double(context.importer.limits.maxItems * 16) else {
            throw context.invalid("from \(first) to \(limit) by \(delta)")
        }
        let values = (0..<max(0, Int(count))).map { first + Double($0) * delta }
        return try context.constant(Tensor(values, as: start.elementType, shape: Shape([values.count])))
    }

    private static func eye(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        let number = try context.int("dtype", 0)
        guard let type = number == 0 ? context.fact(x).elementType : ElementType(onnx: number), shape.rank == 2 else {
            throw context.invalid("takes a matrix, not \(shape)")
        }
        let diagonal = try context.int("k", 0)
        guard shape.elementCount <= context.importer.limits.maxItems * 64 else { throw context.invalid("\(shape)") }
        let values = (0..<shape.elementCount).map { $0 % shape[1] - $0 / shape[1] == diagonal ? 1 : 0 }
        return try context.constant(Tensor(values, as: type, shape: shape))
    }
}
