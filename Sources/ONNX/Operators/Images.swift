// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Images of other sizes.
    static var images: [String: Translator] {
        ["Resize": { [try resize($0)] }, "Upsample": { [try upsample($0)] }]
    }

    private static func resize(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        // Up to version 10: x, scales. Then x, roi, scales, sizes.
        let isOld = context.opset < 11
        let axes = try (context.ints("axes") ?? Array(0..<shape.rank)).map { try context.axis($0, of: shape.rank) }
        let given = try context.numbers(isOld ? 1 : 2, "the scales") ?? []
        let givenSizes = try isOld ? [] : context.integers(3, "the sizes") ?? []
        var scales = [Double](repeating: 1, count: shape.rank)
        var sizes = shape.dimensions
        if !givenSizes.isEmpty {
            guard givenSizes.count == axes.count, givenSizes.allSatisfy({ (1...(1 << 30)).contains($0) }) else {
                throw context.invalid("sizes \(givenSizes) of \(shape)")
            }
            for (axis, size) in zip(axes, givenSizes) {
                sizes[axis] = size
                scales[axis] = Double(size) / Double(max(shape[axis], 1))
            }
            try keepRatio(context, shape, axes, &sizes, &scales)
        } else {
            // It is of sizes.
            context.ignore("keep_aspect_ratio_policy")
            guard given.count == axes.count, given.allSatisfy({ $0 > 0 && $0 < 0x1p30 }) else {
                throw context.invalid("scales \(given) of \(shape)")
            }
            for (axis, scale) in zip(axes, given) {
                scales[axis] = scale
                sizes[axis] = Int(truncating: (Double(shape[axis]) * scale).rounded(.down))
            }
        }
        var op = Resize(
            sizes: sizes, scales: scales, interpolation: try interpolation(context),
            coordinates: try context.choice(
                "coordinate_transformation_mode", isOld ? Resize.Coordinates.asymmetric : .halfPixel))
        op.excludesOutside = try context.flag("exclude_outside")
        op.antialias = try context.flag("antialias")
        op.extrapolation = try context.float("extrapolation_value", 0)
        if op.coordinates == .cropAndResize {
            guard let region = try context.numbers(1, "the region"), region.count == 2 * axes.count else {
                throw context.invalid("the region is missing")
            }
            op.regions = [ClosedRange<Double>](repeating: 0...1, count: shape.rank)
            for (index, axis) in axes.enumerated() {
                let (start, end) = (region[index], region[index + axes.count])
                guard start <= end else { throw context.unsupported("a region from \(start) to \(end)") }
                op.regions[axis] = start...end
            }
        }
        return try spatial(op, x, context)
    }

    /// keep_aspect_ratio_policy: one scale for all axes.
    private static func keepRatio(
        _ context: NodeContext, _ shape: Shape, _ axes: [Int], _ sizes: inout [Int], _ scales: inout [Double]
    ) throws {
        let policy = try context.string("keep_aspect_ratio_policy", "stretch")
        guard policy != "stretch" else { return }
        let all = axes.map { scales[$0] }
        guard policy == "not_larger" || policy == "not_smaller",
            let scale = policy == "not_larger" ? all.min() : all.max()
        else { throw context.unsupported("keep_aspect_ratio_policy '\(policy)'") }
        for axis in axes {
            scales[axis] = scale
            sizes[axis] = Int(truncating: (scale * Double(shape[axis])).rounded(.toNearestOrAwayFromZero))
        }
    }

    private static func interpolation(_ context: NodeContext) throws -> Resize.Interpolation {
        let rounding = try context.choice(
            "nearest_mode", context.opset < 11 ? Resize.Rounding.floor : .roundPreferFloor)
        let cubic = try context.float("cubic_coeff_a", -0.75)
        switch try context.string("mode", "nearest") {
        case "nearest": return .nearest(rounding)
        case "linear", "bilinear": return .linear
        case "cubic": return .cubic(cubic)
        case let other: throw context.unsupported("mode '\(other)'")
        }
    }

    /// Only the axes from 2 on are resized; others must stay.
    private static func spatial(_ op: Resize, _ x: Graph.ValueID, _ context: NodeContext) throws -> Graph.ValueID {
        let shape = context.shape(x)
        if op.sizes == shape.dimensions, op.coordinates != .cropAndResize { return x }
        guard shape.rank >= 3, op.scales.prefix(2).allSatisfy({ $0 == 1 }) else {
            // What comes last can be resized: axes of size 1 are put in front.
            guard shape.rank <= 8, op.regions.isEmpty || op.regions.count == shape.rank else {
                throw context.unsupported("resizing \(shape)")
            }
            let wide = try context.reshape(x, [1, 1] + shape.dimensions)
            return try context.reshape(context.add(op, wide), op.sizes)
        }
        var inner = op
        inner.sizes = Array(op.sizes.dropFirst(2))
        inner.scales = Array(op.scales.dropFirst(2))
        inner.regions = Array(op.regions.dropFirst(2))
        return try context.add(inner, x)
    }

    private static func upsample(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        let shape = context.shape(x)
        guard let scales = try context.floats("scales") ?? context.numbers(1, "the scales"), scales.count == shape.rank,
            scales.allSatisfy({ $0 > 0 && $0 < 0x1p30 })
        else { throw context.invalid("the scales of \(shape)") }
        let sizes = zip(shape.dimensions, scales).map { Int(truncating: (Double($0) * $1).rounded(.down)) }
        let op = Resize(
            sizes: sizes, scales: scales, interpolation: try interpolation(context), coordinates: .asymmetric)
        return try spatial(op, x, context)
    }
}
