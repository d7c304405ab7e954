// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Cuts off what of a convolution's filters sees nothing but padding, wherever they stand: widely dilated filters over a small image.
struct CropFilters: Pass {
    let name = "CropFilters"

    func run(_ graph: inout Graph) throws {
        for index in graph.nodes.indices {
            let node = graph.nodes[index]
            guard var conv = node.op as? Convolution, let filters = graph.constant(node.inputs[1]) else { continue }
            let sizes = graph.fact(node.inputs[0]).shape.dimensions.dropFirst(2)
            let outputs = graph.fact(node.outputs[0]).shape.dimensions.dropFirst(2)
            let kept = zip(sizes, outputs).enumerated().map { axis, counts in
                conv.window.tapsInside(axis, size: counts.0, outputs: counts.1)
            }
            guard kept.map(\.count) != conv.window.kernel, kept.allSatisfy({ !$0.isEmpty }) else { continue }
            for (axis, taps) in kept.enumerated() { conv.window.crop(axis, to: taps) }
            let cropped = try Self.cropped(filters, to: kept)
            let constant = graph.addConstant(graph[node.inputs[1]].name, cropped)
            try graph.replaceNode(index, with: conv, inputs: [node.inputs[0], constant] + node.inputs.dropFirst(2))
        }
    }

    private static func cropped(_ filters: Tensor, to taps: [Range<Int>]) throws -> Tensor {
        let counts = filters.shape.dimensions.prefix(2) + taps.map(\.count)
        if filters.isPlaceholder { return Tensor(placeholderOf: Shape(Array(counts))) }
        let slice = Slice(
            starts: [0, 0] + taps.map(\.lowerBound), counts: Array(counts), steps: counts.map { _ in 1 })
        return try slice.evaluate([filters])[0]
    }
}

extension SlidingWindow {
    /// The rows of the window that see the image at one of the places where it stands, and those between; as many more as it takes
    /// for the padding not to become negative.
    fileprivate func tapsInside(_ axis: Int, size: Int, outputs: Int) -> Range<Int> {
        let seeing = (0..<kernel[axis]).filter { tap in
            let offset = tap * dilations[axis] - before[axis]
            let first = offset >= 0 ? 0 : (-offset + strides[axis] - 1) / strides[axis]
            return first < outputs && first * strides[axis] + offset < size
        }
        guard let first = seeing.first, let last = seeing.last else { return 0..<0 }
        let (lower, upper) = (max(0, before[axis]) / dilations[axis], max(0, after[axis]) / dilations[axis])
        return min(first, lower)..<max(last + 1, kernel[axis] - upper)
    }

    fileprivate mutating func crop(_ axis: Int, to taps: Range<Int>) {
        before[axis] -= taps.lowerBound * dilations[axis]
        after[axis] -= (kernel[axis] - taps.upperBound) * dilations[axis]
        kernel[axis] = taps.count
        if taps.count == 1 { dilations[axis] = 1 }
    }
}
