// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A value with a border around it, or without one: negative paddings cut.
public struct Pad: Operator {
    /// What stands in the border.
    public enum Mode: Sendable, Hashable {
        case constant(Double)
        case reflect
        case edge
        case wrap
    }

    /// For each axis, elements before.
    public var before: [Int]
    /// For each axis, elements after.
    public var after: [Int]
    /// What stands in the border.
    public var mode: Mode

    /// Describes the operator.
    public init(before: [Int], after: [Int], mode: Mode) {
        self.before = before
        self.after = after
        self.mode = mode
    }

    /// The field's name.
    public var name: String { "Pad" }
    /// The attributes, for people.
    public var attributes: [(name: String, value: String)] { [("pads", "\(before + after)"), ("mode", "\(mode)")] }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 1...1)
        let x = inputs[0].shape
        let limit = 1 << 30
        guard before.count == x.rank, after.count == x.rank,
            (before + after).allSatisfy({ (-limit...limit).contains($0) }), x.dimensions.allSatisfy({ $0 <= limit })
        else { throw fault("pads \(before + after) of \(x)") }
        let dimensions = (0..<x.rank).map { x[$0] + before[$0] + after[$0] }
        for axis in 0..<x.rank
        where dimensions[axis] < 0 || mode == .reflect && max(before[axis], after[axis]) >= max(1, x[axis]) {
            throw fault("pads \(before + after) of \(x)")
        }
        return [Fact(inputs[0].elementType, try Shape(checking: dimensions))]
    }

    /// Moves the elements, and fills the border.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let x = inputs[0].shape
        let shape = Shape((0..<x.rank).map { x[$0] + before[$0] + after[$0] })
        var fill = 0.0
        if case .constant(let value) = mode { fill = value }
        // For each axis, the input's element for each place: -1 in the border.
        let sources = (0..<x.rank).map { axis in
            (0..<shape[axis]).map { source(of: $0 - before[axis], size: x[axis]) }
        }
        let strides = x.strides
        let rows = Offsets(shape.dimensions, strides: shape.strides)
        let offsets = rows.lazy.map { place -> Int in
            var (rest, offset) = (place, 0)
            for axis in stride(from: x.rank - 1, through: 0, by: -1) {
                let source = sources[axis][rest % shape[axis]]
                if source < 0 { return -1 }
                offset += source * strides[axis]
                rest /= shape[axis]
            }
            return offset
        }
        return [try inputs[0].moved(offsets, to: shape, fill: fill)]
    }

    private func source(of place: Int, size: Int) -> Int {
        if (0..<size).contains(place) { return place }
        switch mode {
        case .constant: return -1
        case .edge: return size == 0 ? -1 : min(max(place, 0), size - 1)
        case .reflect: return place < 0 ? -place : 2 * (size - 1) - place
        case .wrap: return size == 0 ? -1 : (place % size + size) % size
        }
    }
}
