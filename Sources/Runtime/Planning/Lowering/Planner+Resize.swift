// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// Images by mixtures of rows and columns, as the operator weighs them; what it leaves to a constant, by the reference.
    mutating func lowerResize(_ resize: Resize, _ node: Graph.Node) {
        let x = fact(node.inputs[0])
        guard x.elementType == .float32, x.shape.rank == 4, x.shape[0] == 1,
            let vertical = ResizeStep.Axis(resize, 0, input: x.shape[2]),
            let horizontal = ResizeStep.Axis(resize, 1, input: x.shape[3])
        else { return lowerByReference(node) }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        let isNCHW = x.order == .rowMajor(rank: 4)
        append(
            Draft(
                summary: summary(
                    node, operation: "resize", algorithm: isNCHW ? "columns, then rows" : "rows and columns",
                    reason: "\(resize.interpolation)"),
                reads: [input], writes: [output],
                make: { slot in
                    if isNCHW {
                        return NCHWResizeStep(
                            output: slot(output), input: slot(input), channels: x.shape[1], inputHeight: x.shape[2],
                            inputWidth: x.shape[3], vertical: vertical, horizontal: horizontal)
                    }
                    return ResizeStep(
                        output: slot(output), input: slot(input), channels: x.shape[1], inputWidth: x.shape[3],
                        vertical: vertical, horizontal: horizontal)
                }))
    }
}

extension ResizeStep.Axis {
    /// - Returns: nil if some new places are made of no old ones.
    fileprivate init?(_ resize: Resize, _ axis: Int, input: Int) {
        self.init()
        for place in 0..<resize.sizes[axis] {
            guard let taps = resize.taps(place, axis: axis, size: input) else { return nil }
            // Old places without weight are not read: at the border there are several.
            var merged: [(index: Int, weight: Double)] = []
            for tap in taps where tap.weight != 0 {
                if let known = merged.firstIndex(where: { $0.index == tap.index }) {
                    merged[known].weight += tap.weight
                } else {
                    merged.append(tap)
                }
            }
            append(merged.map { ($0.index, Float($0.weight)) })
        }
    }
}
