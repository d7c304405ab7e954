// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Convolutions and pooling.
    static var windows: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = ["aten.convolution.default": generalConvolution]
        for axes in 1...3 {
            let suffix = "\(axes)d"
            all["aten.conv\(suffix).default"] = { [.value(try convolution($0, axes))] }
            all["aten.conv\(suffix).padding"] = { [.value(try convolution($0, axes))] }
            let name = axes == 1 ? "default" : "input"
            all["aten.conv_transpose\(suffix).\(name)"] = { [.value(try transposedConvolution($0, axes))] }
            all["aten.max_pool\(suffix).default"] = { call in
                try pooled(call, axes) { window, _ in Pool(.max, window) }
            }
            all["aten.max_pool\(suffix)_with_indices.default"] = { call in
                // The places are seldom wanted; where they are, they count from the image's own start.
                let x = try call.tensor("self")
                let window = try poolingWindow(call, axes)
                return try batched(call, x, axes) { x in
                    guard call.usesSecondOutput else { return [try call.add(Pool(.max, window), x)] }
                    throw call.unsupported("the places of the largest elements")
                }
            }
            all["aten.avg_pool\(suffix).default"] = { call in
                guard try call.int("divisor_override") == nil else { throw call.unsupported("divisor_override") }
                let includesPadding = try call.flag("count_include_pad", true)
                return try pooled(call, axes) { window, _ in
                    Pool(.average(countIncludePad: includesPadding), window)
                }
            }
            for name in ["aten.adaptive_avg_pool\(suffix).default", "aten._adaptive_avg_pool\(suffix).default"] {
                all[name] = { try adaptive($0, axes, isMax: false) }
            }
            all["aten.adaptive_max_pool\(suffix).default"] = { try adaptive($0, axes, isMax: true) }
        }
        return all
    }

    // MARK: Convolutions

    private static func generalConvolution(_ call: Call) throws -> [CallResult?] {
        let axes = max(1, try call.shape(call.tensor("weight")).rank - 2)
        if try call.flag("transposed") { return [.value(try transposedConvolution(call, axes))] }
        guard try call.ints("output_padding")?.allSatisfy({ $0 == 0 }) ?? true else {
            throw call.unsupported("output_padding")
        }
        return [.value(try convolution(call, axes))]
    }

    private static func convolution(_ call: Call, _ axes: Int) throws -> Graph.ValueID {
        let (x, weight) = (try call.tensor("input"), try call.tensor("weight"))
        guard call.shape(weight).rank == axes + 2 else { throw call.invalid("weights \(call.shape(weight))") }
        let kernel = Array(call.shape(weight).dimensions.dropFirst(2))
        var window = SlidingWindow(
            kernel: kernel, strides: try spread(call, "stride", axes, 1),
            dilations: try spread(call, "dilation", axes, 1))
        if case .text? = call.node.inputs.first(where: { $0.name == "padding" })?.argument {
            switch try call.string("padding") {
            case "valid": break
            case "same":
                for axis in 0..<axes {
                    let (reach, overflow) = (kernel[axis] - 1).multipliedReportingOverflow(by: window.dilations[axis])
                    guard !overflow else { throw call.invalid("dilation \(window.dilations)") }
                    (window.before[axis], window.after[axis]) = (reach / 2, reach - reach / 2)
                }
            case let other: throw call.unsupported("padding '\(other ?? "")'")
            }
        } else {
            window.before = try spread(call, "padding", axes, 0)
            window.after = window.before
        }
        let op = Convolution(window, groups: try call.int("groups", 1))
        let parameters = [weight] + [try call.optional("bias")].compactMap(\.self)
        return try unbatched(call, x, axes) { try call.addAll(op, [$0] + parameters)[0] }
    }

    private static func transposedConvolution(_ call: Call, _ axes: Int) throws -> Graph.ValueID {
        let (x, weight) = (try call.tensor("input"), try call.tensor("weight"))
        guard call.shape(weight).rank == axes + 2 else { throw call.invalid("weights \(call.shape(weight))") }
        var window = SlidingWindow(
            kernel: Array(call.shape(weight).dimensions.dropFirst(2)), strides: try spread(call, "stride", axes, 1),
            dilations: try spread(call, "dilation", axes, 1))
        window.before = try spread(call, "padding", axes, 0)
        window.after = window.before
        let op = ConvTranspose(
            window, groups: try call.int("groups", 1), outputPadding: try spread(call, "output_padding", axes, 0))
        let parameters = [weight] + [try call.optional("bias")].compactMap(\.self)
        return try unbatched(call, x, axes) { try call.addAll(op, [$0] + parameters)[0] }
    }

    /// A list of one number stands for all axes.
    static func spread(_ call: Call, _ name: String, _ axes: Int, _ standard: Int) throws -> [Int] {
        let numbers = try call.ints(name) ?? []
        switch numbers.count {
        case 0: return [Int](repeating: standard, count: axes)
        case 1: return [Int](repeating: numbers[0], count: axes)
        case axes: return numbers
        default: throw call.invalid("\(name) \(numbers) of \(axes) axes")
        }
    }

    // MARK: Pooling

    private static func poolingWindow(_ call: Call, _ axes: Int) throws -> SlidingWindow {
        let kernel = try spread(call, "kernel_size", axes, 1)
        var window = SlidingWindow(kernel: kernel)
        // Without a stride the windows stand side by side.
        if let strides = try call.ints("stride"), !strides.isEmpty {
            window.strides = try spread(call, "stride", axes, 1)
        } else {
            window.strides = kernel
        }
        window.dilations = try spread(call, "dilation", axes, 1)
        window.before = try spread(call, "padding", axes, 0)
        window.after = window.before
        window.ceilMode = try call.flag("ceil_mode")
        return window
    }

    private static func pooled(
        _ call: Call, _ axes: Int, _ op: (SlidingWindow, Graph.ValueID) throws -> Pool
    ) throws -> [CallResult?] {
        let x = try call.tensor("self")
        let window = try poolingWindow(call, axes)
        return [.value(try unbatched(call, x, axes) { try call.add(op(window, $0), $0) })]
    }

    private static func adaptive(_ call: Call, _ axes: Int, isMax: Bool) throws -> [CallResult?] {
        let x = try call.tensor("self")
        var sizes = try call.ints("output_size") ?? []
        if sizes.count == 1 { sizes = [Int](repeating: sizes[0], count: axes) }
        guard sizes.count == axes else { throw call.invalid("output_size \(sizes)") }
        let op = AdaptivePool(isMax: isMax, outputSize: sizes)
        if isMax, call.usesSecondOutput { throw call.unsupported("the places of the largest elements") }
        return [.value(try unbatched(call, x, axes) { try call.add(op, $0) }), nil]
    }

    // MARK: Batches

    /// An image without a batch gets one and loses it again.
    private static func unbatched(
        _ call: Call, _ x: Graph.ValueID, _ axes: Int, _ body: (Graph.ValueID) throws -> Graph.ValueID
    ) throws -> Graph.ValueID {
        let shape = call.shape(x)
        guard shape.rank == axes + 1 else { return try body(x) }
        let result = try body(call.reshape(x, [1] + shape.dimensions))
        return try call.reshape(result, Array(call.shape(result).dimensions.dropFirst()))
    }

    private static func batched(
        _ call: Call, _ x: Graph.ValueID, _ axes: Int, _ body: (Graph.ValueID) throws -> [Graph.ValueID]
    ) throws -> [CallResult?] {
        [.value(try unbatched(call, x, axes) { try body($0)[0] }), nil]
    }
}

extension Call {
    /// Whether someone reads the second value that the node gives: those that nobody reads are called so.
    var usesSecondOutput: Bool {
        guard node.outputs.count > 1, let name = node.outputs[1].firstName else { return false }
        return importer.isRead(name)
    }
}
