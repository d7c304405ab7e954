// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Parts of a tensor: views, too.
    static var parts: [String: AtenTranslator] {
        [
            "aten.slice.Tensor": { [try slice($0)] },
            "aten.narrow.default": { call in
                let (base, id) = try call.base()
                let axis = try call.axis(call.int("dim", 0), of: call.shape(id).rank)
                let (start, length) = (try call.int("start", 0), try call.int("length", 0))
                let size = call.shape(id)[axis]
                let first = start < 0 ? start + size : start
                guard first >= 0, length >= 0, first <= size, length <= size - first else {
                    throw call.invalid("\(length) of \(size) elements from \(start) on")
                }
                return [try call.sliced(base, id, axis: axis, start: first, count: length)]
            },
            "aten.select.int": { call in
                let (base, id) = try call.base()
                let axis = try call.axis(call.int("dim", 0), of: call.shape(id).rank)
                return [
                    try call.sliced(base, id, axis: axis, start: place(call, axis, id), count: 1, isRemoved: true)
                ]
            },
            "aten.split.Tensor": { call in
                let (size, each) = (try call.length(), try call.int("split_size", 0))
                guard each > 0 else { throw call.invalid("parts of \(each)") }
                return try split(call, equalParts(call, size, each))
            },
            "aten.split.sizes": { try split($0, $0.ints("split_size") ?? []) },
            "aten.split_with_sizes.default": { try split($0, $0.ints("split_sizes") ?? []) },
            "aten.chunk.default": { call in
                let (size, count) = (try call.length(), try call.int("chunks", 1))
                guard count > 0 else { throw call.invalid("\(count) chunks") }
                return try split(call, equalParts(call, size, max(1, size / count + (size % count == 0 ? 0 : 1))))
            },
            "aten.tensor_split.sections": { call in
                let (size, count) = (try call.length(), try call.int("sections", 1))
                guard (1...call.importer.limits.maxResults).contains(count) else {
                    throw call.invalid("\(count) sections")
                }
                return try split(call, (0..<count).map { size / count + ($0 < size % count ? 1 : 0) })
            },
            "aten.unbind.int": { call in
                let (base, id) = try call.base()
                let axis = try call.axis(call.int("dim", 0), of: call.shape(id).rank)
                let size = call.shape(id)[axis]
                return try parts(call, base, id, axis: axis, [Int](repeating: 1, count: size), isRemoved: true)
            },
            "aten.slice_scatter.default": { call in
                let (whole, part) = (try call.tensor("self"), try call.tensor("src"))
                guard case .tensor(let view) = try slice(call, of: Binding(whole)) else { return [nil] }
                return [.value(try call.replaced(whole, view, by: part))]
            },
            "aten.select_scatter.default": { call in
                let (id, part) = (try call.tensor("self"), try call.tensor("src"))
                let axis = try call.axis(call.int("dim", 0), of: call.shape(id).rank)
                let selected = try call.sliced(
                    Binding(id), id, axis: axis, start: place(call, axis, id), count: 1, isRemoved: true)
                guard case .tensor(let view) = selected else { return [nil] }
                return [.value(try call.replaced(id, view, by: part))]
            },
        ]
    }

    private static func place(_ call: Call, _ axis: Int, _ id: Graph.ValueID) throws -> Int {
        let (index, size) = (try call.int("index", 0), call.shape(id).dimensions[axis])
        guard (-size..<size).contains(index) else { throw call.invalid("index \(index) of \(size)") }
        return index < 0 ? index + size : index
    }

    private static func slice(_ call: Call, of other: Binding? = nil) throws -> CallResult {
        let base = try other ?? call.binding("self")
        let id = try base.current(call.importer, name: call.node.name)
        guard call.shape(id).rank > 0 else { throw call.invalid("a slice of a single number") }
        let axis = try call.axis(call.int("dim", 0), of: call.shape(id).rank)
        let (size, step) = (call.shape(id)[axis], try call.int("step", 1))
        guard step > 0 else { throw call.invalid("step \(step)") }
        func place(_ value: Int) -> Int { min(max(value < 0 ? max(value, -size) + size : value, 0), size) }
        let start = place(try call.int("start") ?? 0)
        let end = place(try call.int("end") ?? size)
        let count = end > start ? (end - start - 1) / step + 1 : 0
        return try call.sliced(base, id, axis: axis, start: start, count: count, step: step)
    }

    private static func equalParts(_ call: Call, _ size: Int, _ each: Int) throws -> [Int] {
        guard size / each < call.importer.limits.maxResults else { throw call.invalid("\(size / each) parts") }
        if size == 0 { return [0] }
        return stride(from: 0, to: size, by: each).map { min(each, size - $0) }
    }

    private static func split(_ call: Call, _ sizes: [Int]) throws -> [CallResult?] {
        let (base, id) = try call.base()
        return try parts(
            call, base, id, axis: call.axis(call.int("dim", 0), of: call.shape(id).rank), sizes, isRemoved: false)
    }

    /// A tensor cut along an axis by one operator; each part looks at its place in the whole.
    private static func parts(
        _ call: Call, _ base: Binding, _ id: Graph.ValueID, axis: Int, _ sizes: [Int], isRemoved: Bool
    ) throws -> [CallResult?] {
        let shape = call.shape(id)
        guard shape.rank > 0, sizes.count <= call.importer.limits.maxResults else {
            throw call.invalid("\(sizes.count) parts of \(shape)")
        }
        let values = try sizes.count == 1 ? [id] : call.addAll(Split(axis: axis, sizes: sizes), [id])
        var start = 0
        return try zip(sizes, values).map { size, value in
            var slice = Slice(
                starts: shape.dimensions.map { _ in 0 }, counts: shape.dimensions,
                steps: shape.dimensions.map { _ in 1 })
            (slice.starts[axis], slice.counts[axis]) = (size == 0 ? 0 : start, size)
            start += size
            guard isRemoved else { return .tensor(Binding(base, [.slice(slice)], value: value, isCertain: true)) }
            var dimensions = shape.dimensions
            dimensions.remove(at: axis)
            let views: [View] = [.slice(slice), .reshape(from: call.shape(value), to: Shape(dimensions))]
            return .tensor(Binding(base, views, value: try call.reshape(value, dimensions), isCertain: true))
        }
    }
}

extension Call {
    /// The length of the axis that is cut.
    fileprivate func length() throws -> Int {
        let id = try tensor("self")
        guard shape(id).rank > 0 else { throw invalid("a single number can't be cut") }
        return shape(id)[try axis(int("dim", 0), of: shape(id).rank)]
    }

    /// A value with a part of it replaced, and everything else as it was.
    fileprivate func replaced(_ whole: Graph.ValueID, _ view: Binding, by part: Graph.ValueID) throws -> Graph.ValueID {
        // The views that lead from the whole to the part stand at the end.
        let own = view.views.suffix(from: { if case .slice = $0 { true } else { false } })
        guard case .slice(let slice)? = own.first else { return try expand(part, to: shape(whole)) }
        let shape = try checked(slice.counts)
        let fitting =
            try self.shape(part).elementCount == shape.elementCount
            ? reshape(part, shape.dimensions) : expand(part, to: shape)
        return try slice.write(fitting, into: whole, importer, name: node.name)
    }
}

extension Array where Element == View {
    /// The last slice with what comes behind it; nothing if there is none.
    fileprivate func suffix(from isStart: (View) -> Bool) -> ArraySlice<View> {
        lastIndex(where: isStart).map { self[$0...] } ?? []
    }
}
