// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// The largest element of each window, and its index in the whole input.
///
/// Shape: [N, C, H, W] → twice [N, C, H', W'], the second Int64.
public struct MaxPoolWithIndices: Operator {
    /// How the window moves.
    public var window: SlidingWindow
    /// Whether indices count the spatial axes from the first one on.
    public var isColumnMajor: Bool

    /// Describes the operator.
    public init(_ window: SlidingWindow, isColumnMajor: Bool = false) {
        self.window = window
        self.isColumnMajor = isColumnMajor
    }

    /// The field's name.
    public var name: String { "MaxPool" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { window.attributes + [("indices", "1")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        let largest = try Pool(.max, window).outputs(for: inputs)[0]
        return [largest, Fact(.int64, largest.shape)]
    }

    /// Looks for the largest, window by window.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0]
        let shape = try outputs(for: [Fact(x.elementType, x.shape)])[0].shape
        let sizes = Array(x.shape.dimensions.dropFirst(2))
        let pairs = window.pairs(sizes, Array(shape.dimensions.dropFirst(2)))
        let (plane, outputPlane) = (x.shape.inner(1), shape.inner(1))
        let elements = x.doubles()
        var indices = [Int](repeating: 0, count: shape.elementCount)
        for image in 0..<(x.shape[0] * x.shape[1]) {
            var best = [Int](repeating: -1, count: outputPlane)
            for pair in pairs.joined() {
                let place = image * plane + pair.input
                let old = best[pair.output]
                if old < 0 || elements[place] > elements[old] { best[pair.output] = place }
            }
            for output in best.indices { indices[image * outputPlane + output] = best[output] }
        }
        // A window of nothing but padding has no element: nothing is smaller than its answer.
        let largest = try x.moved(indices, to: shape, fill: -.infinity)
        indices = indices.map { max($0, 0) }
        if isColumnMajor, plane > 0 {
            let strides = AxisOrder(Array((0..<sizes.count).reversed())).strides(of: sizes)
            let ordered = Shape(sizes).strides
            indices = indices.map { index in
                let inner = index % plane
                return index - inner
                    + sizes.indices.reduce(0) { $0 + inner / ordered[$1] % sizes[$1] * strides[$1] }
            }
        }
        return [largest, try Tensor(indices, as: .int64, shape: shape)]
    }
}
