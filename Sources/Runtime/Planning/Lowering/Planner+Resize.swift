// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// Nearest and linear interpolation of NHWC images; what else there is, by the reference.
    mutating func lowerResize(_ resize: Resize, _ node: Graph.Node) {
        let x = fact(node.inputs[0])
        guard x.elementType == .float32, x.shape.rank == 4, x.shape[0] == 1,
            let vertical = axis(resize, 0, input: x.shape[2]), let horizontal = axis(resize, 1, input: x.shape[3])
        else { return lowerByReference(node) }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(
                    node, operation: "resize", algorithm: "two rows, two columns", reason: "\(resize.interpolation)"),
                reads: [input], writes: [output],
                make: { slot in
                    ResizeStep(
                        output: slot(output), input: slot(input), channels: x.shape[1], inputWidth: x.shape[3],
                        vertical: vertical, horizontal: horizontal)
                }))
    }

    private func axis(_ resize: Resize, _ axis: Int, input: Int) -> ResizeStep.Axis? {
        let (output, scale) = (resize.sizes[axis], resize.scales[axis])
        var result = ResizeStep.Axis(first: [], second: [], share: [])
        for place in 0..<output {
            let position = resize.coordinates.position(place, scale: scale, input: input, output: output)
            switch resize.interpolation {
            case .nearest(let rounding):
                let nearest = min(input - 1, max(0, rounding.rounded(position)))
                result.first.append(nearest)
                result.second.append(nearest)
                result.share.append(0)
            case .linear:
                let clamped = min(Double(input - 1), max(0, position))
                let first = Int(clamped)
                result.first.append(first)
                result.second.append(min(input - 1, first + 1))
                result.share.append(Float(clamped - Double(first)))
            case .cubic:
                return nil
            }
        }
        return result
    }
}

extension Resize.Coordinates {
    /// Where a new pixel lies in the old image.
    func position(_ place: Int, scale: Double, input: Int, output: Int) -> Double {
        switch self {
        case .halfPixel: (Double(place) + 0.5) / scale - 0.5
        case .pytorchHalfPixel: output > 1 ? (Double(place) + 0.5) / scale - 0.5 : 0
        case .alignCorners: output > 1 ? Double(place) * Double(input - 1) / Double(output - 1) : 0
        case .asymmetric: Double(place) / scale
        }
    }
}

extension Resize.Rounding {
    /// The whole number that a position is rounded to.
    func rounded(_ position: Double) -> Int {
        let value =
            switch self {
            case .floor: position.rounded(.down)
            case .ceil: position.rounded(.up)
            case .roundPreferFloor: (position - 0.5).rounded(.up)
            case .roundPreferCeil: (position + 0.5).rounded(.down)
            }
        return Int(min(1e9, max(-1e9, value)))
    }
}
