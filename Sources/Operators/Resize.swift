// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// An image enlarged or made smaller along its spatial axes.
///
/// Shape: [N, C, H, W] → [N, C] and `sizes`.
///
/// - Source: ONNX's Resize; `torch.nn.functional.interpolate`.
public struct Resize: Operator {
    /// How a new pixel is made from the old ones.
    public enum Interpolation: Sendable, Hashable {
        case nearest(Rounding)
        case linear
        /// With the coefficient a, -0.75 in PyTorch.
        case cubic(Double)
    }

    /// Which pixel is nearest.
    public enum Rounding: String, Sendable, Hashable {
        case roundPreferFloor = "round_prefer_floor"
        case roundPreferCeil = "round_prefer_ceil"
        case floor
        case ceil
    }

    /// Where a new pixel lies in the old image.
    public enum Coordinates: String, Sendable, Hashable {
        case halfPixel = "half_pixel"
        case halfPixelSymmetric = "half_pixel_symmetric"
        case pytorchHalfPixel = "pytorch_half_pixel"
        case alignCorners = "align_corners"
        case asymmetric
        /// Inside `regions`; what lies outside the image is `extrapolation`.
        case cropAndResize = "tf_crop_and_resize"
    }

    /// New sizes along the axes from 2 on.
    public var sizes: [Int]
    /// New size over old along the same axes, as the file gives it: not always the quotient of the sizes.
    public var scales: [Double]
    /// How a new pixel is made.
    public var interpolation: Interpolation
    /// Where it lies.
    public var coordinates: Coordinates
    /// Whether pixels outside the image have no weight, instead of being those at its border.
    public var excludesOutside = false
    /// Whether the filter is made wider where an image is made smaller.
    public var antialias = false
    /// For `cropAndResize`, along the same axes: start and end of the region, from 0 to 1.
    public var regions: [ClosedRange<Double>] = []
    /// For `cropAndResize`: what stands outside the image.
    public var extrapolation = 0.0

    /// Describes the operator.
    public init(sizes: [Int], scales: [Double], interpolation: Interpolation, coordinates: Coordinates) {
        self.sizes = sizes
        self.scales = scales
        self.interpolation = interpolation
        self.coordinates = coordinates
    }

    /// The field's name.
    public var name: String { "Resize" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] {
        var result = [
            ("sizes", "\(sizes)"), ("interpolation", "\(interpolation)"), ("coordinates", coordinates.rawValue),
        ]
        if antialias { result.append(("antialias", "1")) }
        if excludesOutside { result.append(("exclude_outside", "1")) }
        return result.map { (name: $0.0, value: $0.1) }
    }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        guard x.rank == sizes.count + 2, scales.count == sizes.count, sizes.allSatisfy({ $0 > 0 }),
            scales.allSatisfy({ $0 > 0 && $0.isFinite }), x.dimensions.allSatisfy({ $0 > 0 }),
            coordinates != .cropAndResize || regions.count == sizes.count
        else { throw fault("\(x) cannot be resized to \(sizes)") }
        // The filter of an image made much smaller would be longer than any image.
        guard !antialias || scales.allSatisfy({ $0 > 0x1p-16 }) else { throw fault("scales \(scales)") }
        return [Fact(inputs[0].elementType, try Shape(checking: Array(x.dimensions.prefix(2)) + sizes))]
    }
}
