// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// The same elements under other shapes: what is written in place is written to the memory that they share.
    static var views: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [
            "aten.reshape.default": { [try reshape($0, "shape", isCertain: false)] },
            "aten.reshape_as.default": { call in
                let other = try call.shape(call.tensor("other")).dimensions
                return [try view(call, other, isCertain: false)]
            },
            "aten.view_as.default": { [try view($0, $0.shape($0.tensor("other")).dimensions, isCertain: true)] },
            "aten.flatten.using_ints": flatten,
            "aten.unflatten.int": unflatten,
            "aten.permute.default": { call in
                let (base, id) = try call.base()
                let rank = call.shape(id).rank
                let permutation = try (call.ints("dims") ?? []).map { try call.axis($0, of: rank) }
                guard permutation.sorted() == Array(0..<rank) else { throw call.invalid("an order of \(permutation)") }
                return [try call.transposed(base, id, permutation)]
            },
            "aten.transpose.int": { [try swap($0, "dim0", "dim1")] },
            "aten.swapaxes.default": { [try swap($0, "axis0", "axis1")] },
            "aten.swapdims.default": { [try swap($0, "dim0", "dim1")] },
            "aten.movedim.intlist": { [try moved($0)] },
            "aten.movedim.int": { [try moved($0)] },
            "aten.unsqueeze.default": { call in
                let (base, id) = try call.base()
                var dimensions = call.shape(id).dimensions
                dimensions.insert(1, at: try call.axis(call.int("dim", 0), of: dimensions.count + 1))
                return [try call.reshaped(base, id, dimensions)]
            },
            "aten.squeeze.default": squeeze, "aten.squeeze.dim": squeeze, "aten.squeeze.dims": squeeze,
            "aten.expand.default": { call in
                call.ignore("implicit")
                return [try expand(call, call.ints("size") ?? [])]
            },
            "aten.expand_as.default": { [try expand($0, $0.shape($0.tensor("other")).dimensions)] },
            "aten.broadcast_to.default": { [try expand($0, $0.ints("size") ?? [])] },
            "aten.as_strided.default": asStrided,
        ]
        for name in ["view.default", "_unsafe_view.default", "view_copy.default"] {
            all["aten.\(name)"] = { [try reshape($0, "size", isCertain: true)] }
        }
        for name in ["t.default", "numpy_T.default", "mT.default"] {
            all["aten.\(name)"] = { call in
                let (base, id) = try call.base()
                var order = Array(0..<call.shape(id).rank)
                if order.count >= 2 { order.swapAt(order.count - 2, order.count - 1) }
                return [try call.transposed(base, id, order)]
            }
        }
        return all
    }

    private static func reshape(_ call: Call, _ name: String, isCertain: Bool) throws -> CallResult {
        guard let sizes = try call.ints(name) else { throw call.invalid("the shape is missing") }
        return try view(call, sizes, isCertain: isCertain)
    }

    /// -1 is what is left.
    private static func view(_ call: Call, _ sizes: [Int], isCertain: Bool) throws -> CallResult {
        let (base, id) = try call.base()
        return try call.reshaped(base, id, resolved(call, sizes, call.shape(id).elementCount), isCertain: isCertain)
    }

    static func resolved(_ call: Call, _ sizes: [Int], _ count: Int) throws -> [Int] {
        guard let free = sizes.firstIndex(of: -1) else { return sizes }
        var sizes = sizes
        sizes[free] = 1
        let known = try Shape(checking: sizes).elementCount
        guard known > 0 ? count % known == 0 : count == 0 else {
            throw call.invalid("\(count) elements do not go into \(known) times something")
        }
        sizes[free] = known > 0 ? count / known : 0
        return sizes
    }

    private static func flatten(_ call: Call) throws -> [CallResult?] {
        let (base, id) = try call.base()
        let dimensions = call.shape(id).dimensions
        let (first, last) = (try call.int("start_dim", 0), try call.int("end_dim", -1))
        guard !dimensions.isEmpty else { return [try call.reshaped(base, id, [1])] }
        let (start, end) = (try call.axis(first, of: dimensions.count), try call.axis(last, of: dimensions.count))
        guard start <= end else { throw call.invalid("axes \(start) to \(end)") }
        let flat = dimensions[start...end].reduce(1, *)
        return [
            try call.reshaped(
                base, id, dimensions[..<start] + [flat] + dimensions[(end + 1)...], isCertain: false)
        ]
    }

    private static func unflatten(_ call: Call) throws -> [CallResult?] {
        let (base, id) = try call.base()
        let dimensions = call.shape(id).dimensions
        let axis = try call.axis(call.int("dim", 0), of: dimensions.count)
        guard let given = try call.ints("sizes"), dimensions.indices.contains(axis) else {
            throw call.invalid("the sizes are missing")
        }
        let sizes = try resolved(call, given, dimensions[axis])
        return [try call.reshaped(base, id, dimensions[..<axis] + sizes + dimensions[(axis + 1)...])]
    }

    private static func swap(_ call: Call, _ first: String, _ second: String) throws -> CallResult {
        let (base, id) = try call.base()
        var order = Array(0..<call.shape(id).rank)
        guard !order.isEmpty else {
            call.ignore(first, second)
            return .tensor(base)
        }
        let axes = [try call.int(first, 0), try call.int(second, 0)]
        order.swapAt(try call.axis(axes[0], of: order.count), try call.axis(axes[1], of: order.count))
        return try call.transposed(base, id, order)
    }

    private static func moved(_ call: Call) throws -> CallResult {
        let (base, id) = try call.base()
        let rank = call.shape(id).rank
        let from = try (call.ints("source") ?? []).map { try call.axis($0, of: rank) }
        let to = try (call.ints("destination") ?? []).map { try call.axis($0, of: rank) }
        guard from.count == to.count, Set(from).count == from.count, Set(to).count == to.count else {
            throw call.invalid("axes \(from) to \(to)")
        }
        var order = [Int?](repeating: nil, count: rank)
        for (source, destination) in zip(from, to) { order[destination] = source }
        var rest = (0..<rank).filter { !from.contains($0) }.makeIterator()
        return try call.transposed(base, id, order.map { $0 ?? rest.next() ?? 0 })
    }

    private static func squeeze(_ call: Call) throws -> [CallResult?] {
        let (base, id) = try call.base()
        let dimensions = call.shape(id).dimensions
        let given = try call.ints("dim") ?? Array(dimensions.indices)
        let axes = try dimensions.isEmpty ? [] : given.map { try call.axis($0, of: dimensions.count) }
        // Axes that are longer than one stay.
        let kept = dimensions.indices.filter { !(axes.contains($0) && dimensions[$0] == 1) }
        return [try call.reshaped(base, id, kept.map { dimensions[$0] })]
    }

    private static func expand(_ call: Call, _ sizes: [Int]) throws -> CallResult {
        let (base, id) = try call.base()
        let shape = call.shape(id)
        guard sizes.count >= shape.rank else { throw call.invalid("sizes \(sizes) of \(shape)") }
        let behind = sizes.count - shape.rank
        let dimensions = try sizes.enumerated().map { axis, size in
            // -1 leaves a size as it is.
            if size != -1 { return size }
            guard axis >= behind else { throw call.invalid("sizes \(sizes) of \(shape)") }
            return shape[axis - behind]
        }
        let wanted = try call.checked(dimensions)
        if wanted == shape { return .tensor(base) }
        let value = try call.add(Expand(wanted), id)
        return .tensor(Binding(base, [.expand(wanted)], value: value, isCertain: true))
    }

    /// Elements by their places in memory, of a tensor that lies there in order.
    private static func asStrided(_ call: Call) throws -> [CallResult?] {
        let x = try call.tensor("self")
        guard let sizes = try call.ints("size"), let strides = try call.ints("stride"), sizes.count == strides.count
        else { throw call.invalid("sizes or strides are missing") }
        let offset = try call.int("storage_offset", 0)
        let (count, shape) = (call.shape(x).elementCount, try call.checked(sizes))
        let order = AxisOrder.rowMajor(rank: shape.rank).strides(of: sizes)
        let isPlain = sizes.indices.allSatisfy { sizes[$0] == 1 || strides[$0] == order[$0] }
        if isPlain, offset == 0, shape.elementCount == count { return [.value(try call.reshape(x, sizes))] }
        guard shape.elementCount <= call.importer.limits.maxItems else { throw call.unsupported("a view of \(shape)") }
        var places = [offset]
        for axis in sizes.indices {
            places = places.flatMap { place in
                (0..<sizes[axis]).map { place &+ $0 &* strides[axis] }
            }
        }
        guard places.allSatisfy((0..<count).contains) else { throw call.invalid("it looks beyond \(count) elements") }
        let indices = try call.constant(Tensor(places, as: .int64, shape: shape))
        return [.value(try call.add(Gather(axis: 0), call.reshape(x, [count]), indices))]
    }
}

extension Call {
    /// The tensor that a view looks at, and its value now.
    func base() throws -> (Binding, Graph.ValueID) {
        let base = try binding("self")
        return (base, try base.current(importer, name: node.name))
    }
}
