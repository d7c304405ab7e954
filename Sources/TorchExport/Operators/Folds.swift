// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Windows of images as columns, and columns put back.
    static var folds: [String: AtenTranslator] {
        ["aten.im2col.default": { [.value(try unfold($0))] }, "aten.col2im.default": { [.value(try fold($0))] }]
    }

    private static func unfold(_ call: Call) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let (shape, window) = (call.shape(x), try foldingWindow(call))
        guard shape.rank == 3 || shape.rank == 4 else { throw call.invalid("takes [N, C, H, W], not \(shape)") }
        let batch = shape.rank == 3 ? [] : [shape[0]]
        let channels = shape[shape.rank - 3]
        let image = try call.reshape(x, [batch.first ?? 1] + shape.dimensions.suffix(3))
        let filters = try pickingFilters(call, window, channels, call.type(x))
        let picked = try call.add(Convolution(window, groups: max(1, channels)), image, filters)
        let found = call.shape(picked)
        return try call.reshape(picked, batch + [found[1], found[2] * found[3]])
    }

    private static func fold(_ call: Call) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let (shape, window) = (call.shape(x), try foldingWindow(call))
        let sizes = try spread(call, "output_size", 2, 1)
        guard shape.rank == 2 || shape.rank == 3 else { throw call.invalid("takes [N, C * places, L], not \(shape)") }
        let batch = shape.rank == 2 ? [] : [shape[0]]
        let columns = Shape([batch.first ?? 1] + shape.dimensions.suffix(2))
        guard let folding = try window.folding(columns, to: sizes, of: Convolution(window)) else {
            throw call.invalid("columns \(shape) of an image \(sizes)")
        }
        let filters = try pickingFilters(call, window, folding.channels, call.type(x))
        let image = try call.add(
            ConvTranspose(window, groups: max(1, folding.channels), outputPadding: folding.padding),
            call.reshape(x, Array(columns.dimensions.prefix(2)) + folding.places), filters)
        return try call.reshape(image, batch + [folding.channels] + sizes)
    }

    private static func foldingWindow(_ call: Call) throws -> SlidingWindow {
        var window = SlidingWindow(
            kernel: try spread(call, "kernel_size", 2, 1), strides: try spread(call, "stride", 2, 1),
            dilations: try spread(call, "dilation", 2, 1))
        window.before = try spread(call, "padding", 2, 0)
        window.after = window.before
        return window
    }

    private static func pickingFilters(
        _ call: Call, _ window: SlidingWindow, _ channels: Int, _ type: ElementType
    ) throws -> Graph.ValueID {
        guard let filters = try window.pickingFilters(channels: channels, as: type) else {
            throw call.unsupported("a window of \(window.kernel) over \(channels) channels")
        }
        return try call.constant(filters)
    }
}
