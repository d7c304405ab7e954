// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// The memory of a tensor: what stands in it now. Operators in place write it anew.
final class Buffer {
    /// What stands in it; nil after a write that could not be followed.
    fileprivate(set) var value: Graph.ValueID?
    /// How often it was written.
    fileprivate(set) var version = 0

    init(_ value: Graph.ValueID) { self.value = value }
}

/// How a tensor looks at a part of another one's memory.
enum View {
    case reshape(from: Shape, to: Shape)
    case transpose([Int])
    case expand(Shape)
    case slice(Slice)
}

/// A name of the program: a memory, and how the name looks at it.
final class Binding {
    let buffer: Buffer
    let views: [View]
    /// Whether it is known that the memory is shared: a reshape copies where it must.
    let isCertain: Bool
    private var value: Graph.ValueID
    private var version: Int

    /// A tensor with a memory of its own.
    init(_ value: Graph.ValueID) {
        buffer = Buffer(value)
        views = []
        isCertain = true
        self.value = value
        version = 0
    }

    /// A look at a part of another tensor, whose value is made already.
    init(_ base: Binding, _ view: [View], value: Graph.ValueID, isCertain: Bool) {
        buffer = base.buffer
        views = base.views + view
        self.isCertain = base.isCertain && isCertain
        self.value = value
        version = base.buffer.version
    }

    /// What the name stands for now: made anew if the memory was written since.
    ///
    /// - Throws: `CallFault` if that is not known.
    func current(_ importer: ProgramImporter, name: String) throws -> Graph.ValueID {
        if version == buffer.version { return value }
        guard isCertain, var id = buffer.value else {
            throw CallFault("it reads '\(name)', which may share its memory with a value that is changed in place")
        }
        for view in views { id = try view.apply(to: id, importer, name: name) }
        (value, version) = (id, buffer.version)
        return id
    }

    /// Writes a new value of the same shape and type through the name.
    func write(_ new: Graph.ValueID, _ importer: ProgramImporter, name: String) throws {
        guard isCertain, let base = buffer.value else {
            // Whoever else looks at this memory can no longer be followed.
            buffer.version += 1
            buffer.value = nil
            (value, version) = (new, buffer.version)
            return
        }
        var stages = [base]
        for view in views.dropLast() {
            stages.append(try view.apply(to: stages[stages.count - 1], importer, name: name))
        }
        var id = new
        for (view, whole) in zip(views, stages).reversed() {
            id = try view.write(id, into: whole, importer, name: name)
        }
        buffer.value = id
        buffer.version += 1
        (value, version) = (new, buffer.version)
    }
}

extension View {
    fileprivate func apply(to id: Graph.ValueID, _ importer: ProgramImporter, name: String) throws -> Graph.ValueID {
        let op: any Operator =
            switch self {
            case .reshape(_, let shape): Reshape(shape)
            case .transpose(let permutation): Transpose(permutation)
            case .expand(let shape): Expand(shape)
            case .slice(let slice): slice
            }
        return try importer.add(op, [id], name: name)[0]
    }

    /// The whole with its part replaced.
    fileprivate func write(
        _ part: Graph.ValueID, into whole: Graph.ValueID, _ importer: ProgramImporter, name: String
    ) throws -> Graph.ValueID {
        switch self {
        case .reshape(let shape, _): return try importer.add(Reshape(shape), [part], name: name)[0]
        case .transpose(let permutation):
            var inverse = permutation
            for (place, axis) in permutation.enumerated() { inverse[axis] = place }
            return try importer.add(Transpose(inverse), [part], name: name)[0]
        case .expand: throw CallFault("it writes one element in several places")
        case .slice(let slice): return try slice.write(part, into: whole, importer, name: name)
        }
    }
}

extension Slice {
    /// The whole with the elements that the slice takes replaced: along one axis after the other.
    func write(
        _ part: Graph.ValueID, into whole: Graph.ValueID, _ importer: ProgramImporter, name: String
    ) throws -> Graph.ValueID {
        let shape = importer.shape(whole)
        let axes = (0..<shape.rank).filter { counts[$0] != shape[$0] || steps[$0] != 1 }
        guard let axis = axes.first else { return part }
        var inner = part
        if axes.count > 1 {
            // What stands in the whole beside the part, along the other axes.
            var outer = Slice(
                starts: shape.dimensions.map { _ in 0 }, counts: shape.dimensions,
                steps: shape.dimensions.map { _ in 1 })
            (outer.starts[axis], outer.counts[axis], outer.steps[axis]) = (starts[axis], counts[axis], steps[axis])
            let band = try importer.add(outer, [whole], name: name)[0]
            var rest = self
            (rest.starts[axis], rest.steps[axis]) = (0, 1)
            inner = try rest.write(part, into: band, importer, name: name)
        }
        var sizes = shape.dimensions
        sizes[axis] = counts[axis]
        guard steps[axis] == 1 else {
            let places = (0..<counts[axis]).map { starts[axis] + $0 * steps[axis] }
            var line = [Int](repeating: 1, count: shape.rank)
            line[axis] = places.count
            let indices = try importer.constant(
                Tensor(places, as: .int64, shape: Shape(checking: line)), name: name)
            let all = try importer.add(Expand(Shape(sizes)), [indices], name: name)[0]
            return try importer.add(ScatterElements(axis: axis), [whole, all, inner], name: name)[0]
        }
        var parts: [Graph.ValueID] = []
        func keep(_ range: Range<Int>) throws {
            guard !range.isEmpty else { return }
            var slice = Slice(
                starts: shape.dimensions.map { _ in 0 }, counts: shape.dimensions,
                steps: shape.dimensions.map { _ in 1 })
            (slice.starts[axis], slice.counts[axis]) = (range.lowerBound, range.count)
            parts.append(try importer.add(slice, [whole], name: name)[0])
        }
        try keep(0..<starts[axis])
        parts.append(inner)
        try keep((starts[axis] + counts[axis])..<shape[axis])
        return parts.count == 1 ? inner : try importer.add(Concat(axis: axis), parts, name: name)[0]
    }
}
