// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// Slides filters over an image, or over any number of spatial axes: ONNX's Conv, `torch.nn.functional.conv2d`.
///
/// Shape: x [N, C, H, W], weight [M, C / groups, kernel...], bias [M] (optional) → [N, M, H', W'].
public struct Convolution: Operator {
    /// How the window moves over the spatial axes.
    public var window: SlidingWindow
    /// Groups of channels that do not see each other.
    public var groups: Int

    /// Describes a convolution.
    public init(_ window: SlidingWindow, groups: Int = 1) {
        self.window = window
        self.groups = groups
    }

    /// The field's name.
    public var name: String { "Conv" }

    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        window.attributes + (groups == 1 ? [] : [("groups", "\(groups)")])
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...3)
        let (x, weight) = (inputs[0].shape, inputs[1].shape)
        guard x.rank >= 3, weight.rank == x.rank else {
            throw fault("takes an image [N, C, ...] and filters of as many dimensions, not \(x) and \(weight)")
        }
        guard groups > 0, weight[1] * groups == x[1], weight[0] % groups == 0 else {
            throw fault("filters \(weight) in \(groups) groups do not fit an image \(x)")
        }
        guard Array(weight.dimensions.dropFirst(2)) == window.kernel else {
            throw fault("filters \(weight) are not of the window \(window.kernel)")
        }
        if inputs.count == 3, inputs[2].shape != [weight[0]] {
            throw fault("bias \(inputs[2].shape), expected [\(weight[0])]")
        }
        let spatial = try window.outputSizes(Array(x.dimensions.dropFirst(2)), of: self)
        return [Fact(inputs[0].elementType, try Shape(checking: [x[0], weight[0]] + spatial))]
    }

    /// Convolves, element by element.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let result = try outputs(for: inputs.map { Fact($0.elementType, $0.shape) })[0]
        let (x, weight) = (inputs[0].doubles(), inputs[1].doubles())
        let (channels, filters) = (inputs[0].shape[1], inputs[1].shape[0])
        let pairs = window.pairs(
            Array(inputs[0].shape.dimensions.dropFirst(2)), Array(result.shape.dimensions.dropFirst(2)))
        let (plane, outputPlane) = (inputs[0].shape.inner(1), result.shape.inner(1))
        let bias = inputs.count > 2 ? inputs[2].doubles() : [Double](repeating: 0, count: filters)
        var values = (0..<result.elementCount).map { bias[$0 / max(outputPlane, 1) % filters] }
        for place in 0..<(result.shape[0] * filters) {
            let (image, filter) = (place / filters, place % filters)
            let group = filter / (filters / groups)
            for channel in 0..<(channels / groups) {
                let source = (image * channels + group * (channels / groups) + channel) * plane
                let first = (filter * (channels / groups) + channel) * pairs.count
                for tap in pairs.indices {
                    let factor = weight[first + tap]
                    x.withUnsafeBufferPointer { x in
                        values.withUnsafeMutableBufferPointer { values in
                            for pair in pairs[tap] {
                                values[place * outputPlane + pair.output] += factor * x[source + pair.input]
                            }
                        }
                    }
                }
            }
        }
        return [try Tensor(values, as: result.elementType, shape: result.shape)]
    }
}
