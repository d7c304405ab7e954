// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension Call {
    func fact(_ id: Graph.ValueID) -> Fact { importer.fact(id) }
    func shape(_ id: Graph.ValueID) -> Shape { importer.shape(id) }
    func type(_ id: Graph.ValueID) -> ElementType { importer.fact(id).elementType }
    func constant(_ id: Graph.ValueID) -> Tensor? { importer.constant(id) }

    func add(_ op: any Operator, _ inputs: Graph.ValueID...) throws -> Graph.ValueID { try addAll(op, inputs)[0] }

    func addAll(_ op: any Operator, _ inputs: [Graph.ValueID]) throws -> [Graph.ValueID] {
        try importer.add(op, inputs, name: node.name)
    }

    func constant(_ tensor: Tensor) throws -> Graph.ValueID { try importer.constant(tensor, name: node.name) }

    /// A number of an element type.
    func constant(_ number: Double, _ type: ElementType) throws -> Graph.ValueID {
        try constant(Tensor([number], as: type, shape: []))
    }

    func reshape(_ id: Graph.ValueID, _ dimensions: [Int]) throws -> Graph.ValueID {
        let shape = try checked(dimensions)
        return shape == self.shape(id) ? id : try add(Reshape(shape), id)
    }

    func cast(_ id: Graph.ValueID, to type: ElementType) throws -> Graph.ValueID {
        self.type(id) == type ? id : try add(Cast(to: type), id)
    }

    func transpose(_ id: Graph.ValueID, _ permutation: [Int]) throws -> Graph.ValueID {
        permutation == Array(0..<permutation.count) ? id : try add(Transpose(permutation), id)
    }

    func expand(_ id: Graph.ValueID, to shape: Shape) throws -> Graph.ValueID {
        shape == self.shape(id) ? id : try add(Expand(shape), id)
    }

    /// The shape that several are broadcast to together.
    func broadcast(_ shapes: [Shape]) throws -> Shape {
        try shapes.reduce([]) {
            try Binary(.add).outputs(for: [Fact(.float32, $0), Fact(.float32, $1)])[0].shape
        }
    }

    /// A number for each element of a shape.
    func full(_ number: Double, _ type: ElementType, _ shape: Shape) throws -> Graph.ValueID {
        let one = try constant(number, type)
        return shape.rank == 0 ? one : try add(Expand(shape), one)
    }

    // MARK: Views

    /// The same elements under another shape: of the same memory, unless they do not follow each other in it.
    func reshaped(_ base: Binding, _ id: Graph.ValueID, _ dimensions: [Int], isCertain: Bool = true) throws
        -> CallResult
    {
        let shape = try checked(dimensions)
        if shape == self.shape(id) { return .tensor(base) }
        let value = try add(Reshape(shape), id)
        return .tensor(
            Binding(base, [.reshape(from: self.shape(id), to: shape)], value: value, isCertain: isCertain))
    }

    func transposed(_ base: Binding, _ id: Graph.ValueID, _ permutation: [Int]) throws -> CallResult {
        if permutation == Array(0..<permutation.count) { return .tensor(base) }
        let value = try add(Transpose(permutation), id)
        return .tensor(Binding(base, [.transpose(permutation)], value: value, isCertain: true))
    }

    /// A slice along one axis; the axis goes where `isRemoved`.
    func sliced(
        _ base: Binding, _ id: Graph.ValueID, axis: Int, start: Int, count: Int, step: Int = 1, isRemoved: Bool = false
    ) throws -> CallResult {
        let shape = self.shape(id)
        var slice = Slice(
            starts: shape.dimensions.map { _ in 0 }, counts: shape.dimensions, steps: shape.dimensions.map { _ in 1 })
        (slice.starts[axis], slice.counts[axis], slice.steps[axis]) = (count == 0 ? 0 : start, count, step)
        let isWhole = slice.counts == shape.dimensions && step == 1
        var value = isWhole ? id : try add(slice, id)
        var views: [View] = isWhole ? [] : [.slice(slice)]
        if isRemoved {
            var dimensions = self.shape(value).dimensions
            let from = self.shape(value)
            dimensions.remove(at: axis)
            value = try reshape(value, dimensions)
            views.append(.reshape(from: from, to: Shape(dimensions)))
        }
        return views.isEmpty ? .tensor(base) : .tensor(Binding(base, views, value: value, isCertain: true))
    }

    // MARK: Types

    /// The element type of a result, as PyTorch promotes types: the highest category of tensors with dimensions, then of those
    /// without, then of numbers; the widest type within it.
    func promoted(_ ids: [Graph.ValueID], _ numbers: [Number] = []) -> ElementType {
        func rank(_ type: ElementType) -> Int {
            switch type {
            case .bool: 0
            case .uint8: 1
            case .int8: 2
            case .int16: 3
            case .int32: 4
            case .int64: 5
            case .float16, .bfloat16: 6
            case .float32: 7
            case .float64: 8
            }
        }
        func category(_ type: ElementType) -> Int { type == .bool ? 0 : type.isFloatingPoint ? 2 : 1 }
        func widest(_ types: [ElementType]) -> ElementType? {
            guard let top = types.max(by: { rank($0) < rank($1) }) else { return nil }
            // A byte without a sign and one with it go into 16 bits.
            return top == .int8 && types.contains(.uint8) ? .int16 : top
        }
        let tensors = widest(ids.filter { shape($0).rank > 0 }.map(type))
        let zeroDimensional = widest(ids.filter { shape($0).rank == 0 }.map(type))
        let plain = widest(
            numbers.map { number in
                switch number {
                case .bool: .bool
                case .int: .int64
                default: .float32
                }
            })
        var result = tensors
        for next in [zeroDimensional, plain] {
            guard let next else { continue }
            guard let current = result else {
                result = next
                continue
            }
            if category(next) > category(current) { result = next }
        }
        return result ?? .float32
    }
}
