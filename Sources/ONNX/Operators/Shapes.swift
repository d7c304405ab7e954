// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// The same elements under other shapes.
    static var shapes: [String: Translator] {
        [
            "Reshape": { [try reshape($0)] },
            "Flatten": { context in
                let x = try context.input(0)
                let shape = context.shape(x)
                var axis = try context.int("axis", 1)
                if axis < 0 { axis += shape.rank }
                guard (0...shape.rank).contains(axis) else { throw context.invalid("axis \(axis) of \(shape)") }
                let parts = (shape.dimensions[..<axis].reduce(1, *), shape.dimensions[axis...].reduce(1, *))
                return [try context.reshape(x, [parts.0, parts.1])]
            },
            "Squeeze": { [try squeeze($0)] },
            "Unsqueeze": { [try unsqueeze($0)] },
            "Transpose": { context in
                let x = try context.input(0)
                let reversed = Array((0..<context.shape(x).rank).reversed())
                return [try context.add(Transpose(context.ints("perm") ?? reversed), x)]
            },
            "Expand": { context in
                let x = try context.input(0)
                let wanted = try Shape(checking: context.integers(1, "the shape") ?? [])
                let shape = try broadcast(context, context.shape(x), wanted)
                return [shape == context.shape(x) ? x : try context.add(Expand(shape), x)]
            },
            "Tile": { [try tile($0)] },
            "DepthToSpace": { [try depthToSpace($0)] },
            "SpaceToDepth": { [try spaceToDepth($0)] },
        ]
    }

    /// The shape that two are broadcast to together.
    static func broadcast(_ context: NodeContext, _ left: Shape, _ right: Shape) throws -> Shape {
        try Binary(.add).outputs(for: [Fact(.float32, left), Fact(.float32, right)])[0].shape
    }

    /// 0 copies a size, -1 is what is left.
    private static func reshape(_ context: NodeContext) throws -> Graph.ValueID {
        context.ignore("consumed_inputs")
        let x = try context.input(0)
        let shape = context.shape(x)
        guard var dimensions = try context.ints("shape") ?? context.integers(1, "the shape") else {
            throw context.invalid("the shape is missing")
        }
        let zeroIsSize = try context.flag("allowzero")
        for (axis, size) in dimensions.enumerated() where size == 0 && !zeroIsSize {
            guard axis < shape.rank else { throw context.invalid("shape \(dimensions) for \(shape)") }
            dimensions[axis] = shape[axis]
        }
        if let free = dimensions.firstIndex(of: -1) {
            dimensions[free] = 1
            let known = try Shape(checking: dimensions).elementCount
            guard known > 0 ? shape.elementCount % known == 0 : shape.elementCount == 0 else {
                throw context.invalid("\(shape) does not go into a shape of \(known) times something")
            }
            dimensions[free] = known > 0 ? shape.elementCount / known : 0
        }
        return try context.reshape(x, dimensions)
    }

    private static func squeeze(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        let axes = try context.ints("axes") ?? context.integers(1, "the axes")
        let removed =
            try axes.map { axes in try Set(axes.map { try context.axis($0, of: shape.rank) }) }
            ?? Set((0..<shape.rank).filter { shape[$0] == 1 })
        guard removed.allSatisfy({ shape[$0] == 1 }) else {
            throw context.invalid("axes \(removed.sorted()) of \(shape) are not all 1")
        }
        return try context.reshape(x, (0..<shape.rank).filter { !removed.contains($0) }.map { shape[$0] })
    }

    private static func unsqueeze(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        guard let axes = try context.ints("axes") ?? context.integers(1, "the axes") else {
            throw context.invalid("the axes are missing")
        }
        let rank = context.shape(x).rank + axes.count
        guard rank <= context.importer.limits.maxRank else { throw context.invalid("\(rank) dimensions") }
        let added = try axes.map { try context.axis($0, of: rank) }
        guard Set(added).count == added.count else { throw context.invalid("axes \(axes) twice") }
        var rest = context.shape(x).dimensions.makeIterator()
        return try context.reshape(x, (0..<rank).map { added.contains($0) ? 1 : rest.next() ?? 1 })
    }

    private static func tile(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        guard let repeats = try context.integers(1, "the repeats") else { throw context.invalid("repeats are missing") }
        if context.inputCount == 3, let axis = try context.integers(2, "the axis")?.first {
            // Up to version 5: how often along one axis.
            var all = [Int](repeating: 1, count: context.shape(x).rank)
            all[try context.axis(axis, of: all.count)] = repeats.first ?? 1
            return try context.add(Tile(all), x)
        }
        return try context.add(Tile(repeats), x)
    }

    private static func blocks(_ context: NodeContext) throws -> (x: Graph.ValueID, shape: Shape, block: Int) {
        let x = try context.input(0)
        let (shape, block) = (context.shape(x), try context.int("blocksize", 0))
        guard shape.rank == 4, (1...(1 << 15)).contains(block) else {
            throw context.invalid("blocks of \(block) in \(shape)")
        }
        return (x, shape, block)
    }

    private static func depthToSpace(_ context: NodeContext) throws -> Graph.ValueID {
        let (x, shape, block) = try blocks(context)
        guard shape[1] % (block * block) == 0 else { throw context.invalid("blocks of \(block) in \(shape)") }
        let depth = shape[1] / (block * block)
        let isRowFirst: Bool
        switch try context.string("mode", "DCR") {
        case "DCR": isRowFirst = true
        case "CRD": isRowFirst = false
        case let other: throw context.unsupported("mode '\(other)'")
        }
        let apart = isRowFirst ? [block, block, depth] : [depth, block, block]
        let split = try context.reshape(x, [shape[0]] + apart + [shape[2], shape[3]])
        let moved = try context.transpose(split, isRowFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3])
        return try context.reshape(moved, [shape[0], depth, shape[2] * block, shape[3] * block])
    }

    private static func spaceToDepth(_ context: NodeContext) throws -> Graph.ValueID {
        let (x, shape, block) = try blocks(context)
        guard shape[2] % block == 0, shape[3] % block == 0 else {
            throw context.invalid("blocks of \(block) in \(shape)")
        }
        let split = try context.reshape(
            x, [shape[0], shape[1], shape[2] / block, block, shape[3] / block, block])
        let isColumnFirst: Bool
        switch try context.string("mode", "DCR") {
        case "DCR": isColumnFirst = true
        case "CRD": isColumnFirst = false
        case let other: throw context.unsupported("mode '\(other)'")
        }
        let moved = try context.transpose(split, isColumnFirst ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4])
        return try context.reshape(
            moved, [shape[0], shape[1] * block * block, shape[2] / block, shape[3] / block])
    }
}
