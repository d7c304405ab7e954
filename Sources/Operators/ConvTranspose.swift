// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The transpose of a convolution: each element of the image adds its multiple of the filters to the output, as
/// `torch.nn.functional.conv_transpose2d`.
///
/// Shape: x [N, C, H, W], weight [C, M / groups, kernel...], bias [M] (optional) → [N, M, H', W'].
public struct ConvTranspose: Operator {
    /// How the window moves over the output's spatial axes. Padding is cut off.
    public var window: SlidingWindow
    /// Groups of channels that do not see each other.
    public var groups: Int
    /// Added to the output's sizes: which of those that the convolution would map to the input's is meant.
    public var outputPadding: [Int]

    /// Describes the operator.
    public init(_ window: SlidingWindow, groups: Int = 1, outputPadding: [Int]? = nil) {
        self.window = window
        self.groups = groups
        self.outputPadding = outputPadding ?? window.kernel.map { _ in 0 }
    }

    /// The field's name.
    public var name: String { "ConvTranspose" }

    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        window.attributes + (groups == 1 ? [] : [("groups", "\(groups)")])
            + (outputPadding.allSatisfy { $0 == 0 } ? [] : [("output_padding", "\(outputPadding)")])
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...3)
        let (x, weight) = (inputs[0].shape, inputs[1].shape)
        guard x.rank >= 3, weight.rank == x.rank, groups > 0, weight[0] == x[1], x[1] % groups == 0,
            Array(weight.dimensions.dropFirst(2)) == window.kernel
        else { throw fault("filters \(weight) in \(groups) groups do not fit an image \(x)") }
        let (channels, overflow) = weight[1].multipliedReportingOverflow(by: groups)
        guard !overflow else { throw fault("filters \(weight) in \(groups) groups") }
        if inputs.count == 3, inputs[2].shape != [channels] {
            throw fault("bias \(inputs[2].shape), expected [\(channels)]")
        }
        let sizes = Array(x.dimensions.dropFirst(2))
        let counts = [window.strides, window.dilations, window.before, window.after, outputPadding]
        let limit = 1 << 20
        guard counts.allSatisfy({ $0.count == sizes.count && $0.allSatisfy { (-limit...limit).contains($0) } }),
            (window.kernel + window.strides + window.dilations).allSatisfy({ (1...limit).contains($0) }),
            sizes.allSatisfy({ (1...limit).contains($0) })
        else { throw fault("a window \(window.kernel) over \(x)") }
        let spatial = sizes.indices.map { axis in
            (sizes[axis] - 1) * window.strides[axis] + (window.kernel[axis] - 1) * window.dilations[axis] + 1
                + outputPadding[axis] - window.before[axis] - window.after[axis]
        }
        guard spatial.allSatisfy({ $0 > 0 }) else { throw fault("nothing is left of \(spatial)") }
        return [Fact(inputs[0].elementType, try Shape(checking: [x[0], channels] + spatial))]
    }

    /// Adds up, element by element.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let result = try outputs(for: inputs.map { Fact($0.elementType, $0.shape) })[0]
        let (x, weight) = (inputs[0].doubles(), inputs[1].doubles())
        let (channels, filters) = (inputs[0].shape[1], inputs[1].shape[1])
        // Where the convolution of the output would read for each element of the image.
        let pairs = window.pairs(
            Array(result.shape.dimensions.dropFirst(2)), Array(inputs[0].shape.dimensions.dropFirst(2)))
        let (plane, outputPlane) = (inputs[0].shape.inner(1), result.shape.inner(1))
        let bias = inputs.count > 2 ? inputs[2].doubles() : [Double](repeating: 0, count: result.shape[1])
        var values = (0..<result.elementCount).map { bias[$0 / outputPlane % result.shape[1]] }
        for place in 0..<(inputs[0].shape[0] * channels) {
            let (image, channel) = (place / channels, place % channels)
            let group = channel / (channels / groups)
            for filter in 0..<filters {
                let target = (image * filters * groups + group * filters + filter) * outputPlane
                for tap in pairs.indices {
                    let factor = weight[(channel * filters + filter) * pairs.count + tap]
                    for pair in pairs[tap] { values[target + pair.input] += factor * x[place * plane + pair.output] }
                }
            }
        }
        return [try Tensor(values, as: result.elementType, shape: result.shape)]
    }
}
