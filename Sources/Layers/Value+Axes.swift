// SPDX-License-Identifier: MIT

import Operators
import Tensors

extension Value {
    /// Axes in another order: axis i of the result is axis `axes[i]` of this value. The batch does not count.
    ///
    /// - Source: `torch.permute`.
    public func permuted(_ axes: Int...) -> Value {
        append(Transpose([0] + axes.map { $0 &+ 1 }), name: "permute")
    }

    /// The same numbers under another shape, the batch aside. One size may be -1: what the others leave.
    ///
    /// - Source: `torch.reshape`.
    public func reshaped(_ sizes: Int...) -> Value {
        let count = shape.elementCount
        var closed = sizes
        if let open = sizes.firstIndex(of: -1) {
            closed[open] = 1
            if let others = try? Shape(checking: closed).elementCount, others > 0 { closed[open] = count / others }
        }
        guard let result = try? Shape(checking: [1] + closed), result.elementCount == count else {
            return fail("reshape", "brings \(shape) to \(sizes): expected sizes whose product is \(count)")
        }
        return append(Reshape(result), name: "reshape")
    }

    /// Some places of an axis, which stays.
    ///
    /// - Source: `torch.narrow`.
    public func narrowed(axis: Int, to range: Range<Int>) -> Value {
        guard (0..<shape.rank).contains(axis), range.lowerBound >= 0, range.upperBound <= shape[axis] else {
            return fail("narrow", "takes places \(range) of axis \(axis) of \(shape)")
        }
        var starts = [Int](repeating: 0, count: shape.rank + 1)
        var counts = [1] + shape.dimensions
        starts[axis + 1] = range.lowerBound
        counts[axis + 1] = range.count
        return append(
            Slice(starts: starts, counts: counts, steps: [Int](repeating: 1, count: counts.count)), name: "narrow")
    }

    /// An image's pixels, one after the other, each a row of its channels.
    ///
    /// Shape: [C, H, W] → [H, W, C].
    public var channelsLast: Value { permuted(1, 2, 0) }

    /// An image of rows of channels.
    ///
    /// Shape: [H, W, C] → [C, H, W].
    public var channelsFirst: Value { permuted(2, 0, 1) }
}

/// Mixes the channels of groups: channel i of group g becomes channel g of group i.
///
/// Shape: [C, H, W] → the same; `groups` divides C.
///
/// - Source: `torch.nn.ChannelShuffle`.
public struct ChannelShuffle: Layer {
    /// Number of groups.
    public let groups: Int

    /// Sets the number of groups.
    public init(_ groups: Int) {
        self.groups = groups
    }

    /// Records the mixing of an image's channels.
    public func callAsFunction(_ input: Value) -> Value {
        guard input.shape.rank == 3, groups > 0, input.shape[0] % groups == 0 else {
            return input.fail("channel_shuffle", "takes an image whose channels \(groups) divides, not \(input.shape)")
        }
        let (channels, height, width) = (input.shape[0], input.shape[1], input.shape[2])
        return input.reshaped(groups, channels / groups, height, width).permuted(1, 0, 2, 3)
            .reshaped(channels, height, width)
    }
}
