// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Parts of values, and values put together.
    static var slices: [String: Translator] {
        [
            "Concat": { context in
                let inputs = try context.node.inputs.indices.map { try context.input($0) }
                guard let first = inputs.first else { throw context.invalid("has no inputs") }
                let axis = try context.axis(context.int("axis", 1), of: context.shape(first).rank)
                return inputs.count == 1 ? [first] : [try context.addAll(Concat(axis: axis), inputs)[0]]
            },
            "Split": split,
            "Slice": { [try slice($0)] },
            "Pad": { [try pad($0)] },
            "CenterCropPad": { [try centerCropPad($0)] },
            "Trilu": { context in
                let op = Trilu(
                    isUpper: try context.flag("upper", true),
                    diagonal: try context.integers(1, "the diagonal")?.first ?? 0)
                return [try context.add(op, context.input(0))]
            },
        ]
    }

    private static func split(_ context: NodeContext) throws -> [Graph.ValueID?] {
        let x = try context.input(0)
        let axis = try context.axis(context.int("axis", 0), of: context.shape(x).rank)
        let size = context.shape(x)[axis]
        let count = try context.int("num_outputs") ?? context.node.outputs.count
        guard (1...context.importer.limits.maxNodes).contains(count) else { throw context.invalid("\(count) parts") }
        // Equal parts; the last one is smaller where they do not go in.
        let part = (size + count - 1) / count
        let equal = (0..<count).map { max(0, min(part, size - $0 * part)) }
        let sizes = try context.ints("split") ?? context.integers(1, "the sizes") ?? equal
        return sizes.count == 1 ? [x] : try context.addAll(Split(axis: axis, sizes: sizes), [x])
    }

    private static func slice(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        guard let starts = try context.ints("starts") ?? context.integers(1, "the starts"),
            let ends = try context.ints("ends") ?? context.integers(2, "the ends")
        else { throw context.invalid("starts or ends are missing") }
        let axes = try context.ints("axes") ?? context.integers(3, "the axes") ?? Array(starts.indices)
        let steps = try context.integers(4, "the steps") ?? starts.map { _ in 1 }
        guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
            throw context.invalid(
                "\(starts.count) starts, \(ends.count) ends, \(axes.count) axes, \(steps.count) steps")
        }
        var op = Slice(
            starts: shape.dimensions.map { _ in 0 }, counts: shape.dimensions, steps: shape.dimensions.map { _ in 1 })
        for index in starts.indices {
            let axis = try context.axis(axes[index], of: shape.rank)
            let (size, step) = (shape[axis], steps[index])
            guard step != 0, step > Int.min else { throw context.invalid("step \(step)") }
            func place(_ value: Int) -> Int { value < 0 ? max(value, -size - 1) + size : value }
            let start = min(max(place(starts[index]), 0), step > 0 ? size : size - 1)
            let end = min(max(place(ends[index]), step > 0 ? 0 : -1), size)
            let distance = step > 0 ? end - start : start - end
            let width = step > 0 ? step : -step
            op.counts[axis] = distance > 0 && size > 0 ? (distance - 1) / width + 1 : 0
            op.starts[axis] = op.counts[axis] == 0 ? 0 : start
            op.steps[axis] = step
        }
        return op.counts == shape.dimensions && op.steps.allSatisfy { $0 == 1 } ? x : try context.add(op, x)
    }

    private static func pad(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let rank = context.shape(x).rank
        guard let pads = try context.ints("pads") ?? context.ints("paddings") ?? context.integers(1, "the pads") else {
            throw context.invalid("pads are missing")
        }
        var value = try context.float("value", 0)
        if context.opset >= 11 { value = try context.numbers(2, "the value")?.first ?? value }
        let axes = try context.integers(3, "the axes") ?? Array(0..<rank)
        guard pads.count == 2 * axes.count else { throw context.invalid("pads \(pads) of \(axes.count) axes") }
        var (before, after) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
        for (index, axis) in axes.enumerated() {
            before[try context.axis(axis, of: rank)] = pads[index]
            after[try context.axis(axis, of: rank)] = pads[index + axes.count]
        }
        let mode: Pad.Mode
        switch try context.string("mode", "constant") {
        case "constant": mode = .constant(value)
        case "reflect": mode = .reflect
        case "edge": mode = .edge
        case "wrap": mode = .wrap
        case let other: throw context.unsupported("mode '\(other)'")
        }
        return (before + after).allSatisfy { $0 == 0 }
            ? x : try context.add(Pad(before: before, after: after, mode: mode), x)
    }

    private static func centerCropPad(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        guard let sizes = try context.integers(1, "the shape") else { throw context.invalid("the shape is missing") }
        let axes = try context.ints("axes") ?? Array(0..<shape.rank)
        guard sizes.count == axes.count, sizes.allSatisfy({ (0...(1 << 30)).contains($0) }) else {
            throw context.invalid("sizes \(sizes) of axes \(axes)")
        }
        var (before, after) = (shape.dimensions.map { _ in 0 }, shape.dimensions.map { _ in 0 })
        for (index, wanted) in axes.enumerated() {
            let axis = try context.axis(wanted, of: shape.rank)
            let more = sizes[index] - shape[axis]
            // The odd one goes behind, both where it is padded and where it is cut.
            before[axis] = more >= 0 ? more / 2 : -(-more / 2)
            after[axis] = more - before[axis]
        }
        return try context.add(Pad(before: before, after: after, mode: .constant(0)), x)
    }
}
