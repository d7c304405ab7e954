// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Convolutions and pooling.
    static var windows: [String: Translator] {
        [
            "Conv": { [try convolution($0)] },
            "ConvTranspose": { [try transposedConvolution($0)] },
            "Col2Im": { [try fold($0)] },
            "MaxPool": maxPool,
            "AveragePool": { context in
                let window = try pooling(context)
                let includesPadding = try context.flag("count_include_pad")
                return [try context.add(Pool(.average(countIncludePad: includesPadding), window), context.input(0))]
            },
            "LpPool": { context in
                let window = try pooling(context)
                return [try context.add(Pool(.lp(norm(context)), window), context.input(0))]
            },
            "GlobalAveragePool": { [try global($0, isMax: false)] },
            "GlobalMaxPool": { [try global($0, isMax: true)] },
            "GlobalLpPool": { context in
                let x = try context.input(0)
                let kernel = Array(context.shape(x).dimensions.dropFirst(2))
                return [try context.add(Pool(.lp(norm(context)), SlidingWindow(kernel: kernel)), x)]
            },
        ]
    }

    static func convolution(_ context: NodeContext) throws -> Graph.ValueID {
        let (x, weight) = (try context.input(0), try context.input(1))
        return try convolution(context, x, weight, bias: context.optional(2))
    }

    static func convolution(
        _ context: NodeContext, _ x: Graph.ValueID, _ weight: Graph.ValueID, bias: Graph.ValueID?
    ) throws -> Graph.ValueID {
        let sizes = Array(context.shape(x).dimensions.dropFirst(2))
        let kernel = try context.ints("kernel_shape") ?? Array(context.shape(weight).dimensions.dropFirst(2))
        let window = try window(context, kernel, sizes)
        let op = Convolution(window, groups: try context.int("group", 1))
        return try context.addAll(op, [x, weight] + [bias].compactMap(\.self))[0]
    }

    private static func norm(_ context: NodeContext) throws -> Int {
        let p = try context.int("p", 2)
        guard p > 0 else { throw context.invalid("p is \(p)") }
        return p
    }

    private static func transposedConvolution(_ context: NodeContext) throws -> Graph.ValueID {
        let (x, weight) = (try context.input(0), try context.input(1))
        let sizes = Array(context.shape(x).dimensions.dropFirst(2))
        let kernel = try context.ints("kernel_shape") ?? Array(context.shape(weight).dimensions.dropFirst(2))
        let wanted = try context.ints("output_shape").map { Array($0.suffix(sizes.count)) }
        let automatic = try context.string("auto_pad", "NOTSET")
        var window = SlidingWindow(
            kernel: kernel, strides: try context.ints("strides"), dilations: try context.ints("dilations"))
        let padding = try context.ints("output_padding") ?? sizes.map { _ in 0 }
        let pads = try context.ints("pads") ?? [Int](repeating: 0, count: 2 * sizes.count)
        let lists = [kernel, window.strides, window.dilations, padding] + (wanted.map { [$0] } ?? [])
        let limit = 1 << 20
        guard lists.allSatisfy({ $0.count == sizes.count && $0.allSatisfy { (0...limit).contains($0) } }),
            pads.count == 2 * sizes.count, sizes.allSatisfy({ $0 <= limit })
        else { throw context.invalid("a window \(kernel) of \(sizes.count) axes") }
        window.before = Array(pads.prefix(sizes.count))
        window.after = Array(pads.suffix(sizes.count))
        let isSame = automatic == "SAME_UPPER" || automatic == "SAME_LOWER"
        if wanted != nil || isSame {
            for axis in sizes.indices {
                let full = (sizes[axis] - 1) * window.strides[axis] + (kernel[axis] - 1) * window.dilations[axis] + 1
                let target = wanted?[axis] ?? sizes[axis] * window.strides[axis]
                let total = full + padding[axis] - target
                // The odd one: at the end for SAME_UPPER, else in front.
                let smaller = total >= 0 ? total / 2 : 0
                let larger = total >= 0 ? total - smaller : total
                (window.before[axis], window.after[axis]) =
                    automatic == "SAME_UPPER" || total < 0 ? (smaller, larger) : (larger, smaller)
            }
        } else if automatic == "VALID" {
            (window.before, window.after) = (sizes.map { _ in 0 }, sizes.map { _ in 0 })
        }
        let op = ConvTranspose(window, groups: try context.int("group", 1), outputPadding: padding)
        return try context.addAll(op, [x, weight] + [context.optional(2)].compactMap(\.self))[0]
    }

    /// Columns [N, C * places, L] put back where their windows stood in the image.
    private static func fold(_ context: NodeContext) throws -> Graph.ValueID {
        let x = try context.input(0)
        guard let sizes = try context.integers(1, "the image's shape"),
            let kernel = try context.integers(2, "the window's shape")
        else { throw context.invalid("the shapes are missing") }
        let window = try window(context, kernel, sizes)
        let shape = context.shape(x)
        guard let folding = try window.folding(shape, to: sizes, of: Convolution(window)) else {
            throw context.invalid("columns \(shape) of an image \(sizes)")
        }
        guard let filters = try window.pickingFilters(channels: folding.channels, as: context.fact(x).elementType)
        else {
            throw context.unsupported("a window of \(kernel) over \(folding.channels) channels")
        }
        let columns = try context.add(Reshape(Shape(checking: [shape[0], shape[1]] + folding.places)), x)
        return try context.add(
            ConvTranspose(window, groups: max(1, folding.channels), outputPadding: folding.padding), columns,
            context.constant(filters))
    }

    private static func maxPool(_ context: NodeContext) throws -> [Graph.ValueID?] {
        let x = try context.input(0)
        let window = try pooling(context)
        let isColumnMajor = try context.flag("storage_order")
        if context.node.outputs.count > 1 {
            return try context.addAll(MaxPoolWithIndices(window, isColumnMajor: isColumnMajor), [x])
        }
        return [try context.add(Pool(.max, window), x)]
    }

    private static func pooling(_ context: NodeContext) throws -> SlidingWindow {
        let sizes = try Array(context.shape(context.input(0)).dimensions.dropFirst(2))
        guard let kernel = try context.ints("kernel_shape") else { throw context.invalid("kernel_shape is missing") }
        return try window(context, kernel, sizes)
    }

    private static func global(_ context: NodeContext, isMax: Bool) throws -> Graph.ValueID {
        let x = try context.input(0)
        let sizes = [Int](repeating: 1, count: max(0, context.shape(x).rank - 2))
        return try context.add(AdaptivePool(isMax: isMax, outputSize: sizes), x)
    }

    /// kernel_shape, strides, dilations, pads or auto_pad, ceil_mode.
    static func window(_ context: NodeContext, _ kernel: [Int], _ sizes: [Int]) throws -> SlidingWindow {
        var window = SlidingWindow(
            kernel: kernel, strides: try context.ints("strides"), dilations: try context.ints("dilations"))
        window.ceilMode = try context.flag("ceil_mode")
        let pads = try context.ints("pads")
        let automatic = try context.string("auto_pad", "NOTSET")
        let limit = 1 << 30
        guard [kernel, window.strides, window.dilations].allSatisfy({ $0.count == sizes.count }),
            (kernel + window.strides + window.dilations).allSatisfy({ (1...limit).contains($0) })
        else { throw context.invalid("a window \(kernel) of an image of \(sizes.count) axes") }
        switch automatic {
        case "NOTSET", "":
            guard let pads else { return window }
            guard pads.count == 2 * sizes.count else { throw context.invalid("pads \(pads)") }
            window.before = Array(pads.prefix(sizes.count))
            window.after = Array(pads.suffix(sizes.count))
        case "VALID": break
        case "SAME_UPPER", "SAME_LOWER":
            for axis in sizes.indices {
                let outputs = (sizes[axis] - 1) / window.strides[axis] + 1
                let reach = (kernel[axis] - 1) * window.dilations[axis] + 1
                let total = max(0, (outputs - 1) * window.strides[axis] + reach - sizes[axis])
                window.before[axis] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2
                window.after[axis] = total - window.before[axis]
            }
        default: throw context.unsupported("auto_pad '\(automatic)'")
        }
        return window
    }
}
