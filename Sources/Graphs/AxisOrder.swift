// SPDX-License-Identifier: MIT

/// How the axes of a value are ordered in memory, outermost first: [0, 1, 2, 3] for an image in NCHW, [0, 2, 3, 1] for one in
/// NHWC. The value's shape is NCHW in both cases.
public struct AxisOrder: Sendable, Hashable, CustomStringConvertible {
    /// Axes of the shape, from the one with the largest stride to the contiguous one: a permutation of `0 ..< rank`.
    public let axes: [Int]

    /// Makes an order.
    ///
    /// - Precondition: `axes` is a permutation of `0 ..< axes.count`.
    public init(_ axes: [Int]) {
        precondition(axes.sorted() == Array(0..<axes.count), "\(axes) is not a permutation of the axes")
        self.axes = axes
    }

    /// The order in which PyTorch and ONNX write a tensor: the last axis is contiguous.
    public static func rowMajor(rank: Int) -> AxisOrder { AxisOrder(Array(0..<rank)) }

    /// Channels contiguous: NHWC for images [N, C, H, W], NWC for rank 3. Row-major below rank 3.
    public static func channelsLast(rank: Int) -> AxisOrder {
        rank < 3 ? rowMajor(rank: rank) : AxisOrder([0] + Array(2..<rank) + [1])
    }

    /// Number of axes.
    public var rank: Int { axes.count }

    /// Whether the last axis is contiguous and the others follow in their order.
    public var isRowMajor: Bool { axes == Array(0..<axes.count) }

    /// For each axis of the shape, its place in memory.
    public var places: [Int] {
        var places = [Int](repeating: 0, count: axes.count)
        for (place, axis) in axes.enumerated() { places[axis] = place }
        return places
    }

    /// Distances of neighbours along each axis of a shape, in elements.
    public func strides(of dimensions: [Int]) -> [Int] {
        var strides = [Int](repeating: 0, count: axes.count)
        var stride = 1
        for axis in axes.reversed() {
            strides[axis] = stride
            stride *= dimensions[axis]
        }
        return strides
    }

    /// Whether numbers of a shape stand in the same sequence in both orders: axes of size 1 may stand anywhere.
    public func isEquivalent(to other: AxisOrder, dimensions: [Int]) -> Bool {
        axes.filter { dimensions[$0] != 1 } == other.axes.filter { dimensions[$0] != 1 }
    }

    /// For example "NHWC", or "[1, 0, 2]" if the order has no name.
    public var description: String {
        switch axes {
        case [0, 1, 2, 3]: "NCHW"
        case [0, 2, 3, 1]: "NHWC"
        default: isRowMajor ? "row-major" : "\(axes)"
        }
    }
}
