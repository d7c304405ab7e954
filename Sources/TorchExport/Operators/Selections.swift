// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Elements by their indices or by a condition.
    static var selections: [String: AtenTranslator] {
        [
            "aten.index.Tensor": { [.value(try index($0))] },
            "aten.index_put.default": { [.value(try indexPut($0))] },
            "aten.index_fill.int_Scalar": { [.value(try indexFill($0))] },
            "aten.index_select.default": { call in
                let x = try call.tensor("self")
                let axis = try call.axis(call.int("dim", 0), of: call.shape(x).rank)
                return [.value(try call.add(Gather(axis: axis), x, call.indices(call.tensor("index"))))]
            },
            "aten.embedding.default": { call in
                call.ignore("padding_idx", "scale_grad_by_freq", "sparse")
                return [
                    .value(try call.add(Gather(axis: 0), call.tensor("weight"), call.indices(call.tensor("indices"))))
                ]
            },
            "aten.gather.default": { call in
                call.ignore("sparse_grad")
                let x = try call.tensor("self")
                let axis = try call.axis(call.int("dim", 0), of: call.shape(x).rank)
                return [.value(try call.add(GatherElements(axis: axis), x, call.indices(call.tensor("index"))))]
            },
            "aten.scatter.src": { call in
                let x = try call.tensor("self")
                let axis = try call.axis(call.int("dim", 0), of: call.shape(x).rank)
                let indices = try call.indices(call.tensor("index"))
                return [
                    .value(
                        try call.add(ScatterElements(axis: axis), x, indices, corner(call, call.tensor("src"), indices))
                    )
                ]
            },
            "aten.where.self": { [.value(try chosen($0))] },
            "aten.where.ScalarOther": { [.value(try chosen($0))] },
            "aten.where.ScalarSelf": { [.value(try chosen($0))] },
            "aten.where.Scalar": { [.value(try chosen($0))] },
            "aten.masked_fill.Scalar": { [.value(try filled($0))] },
            "aten.masked_fill.Tensor": { [.value(try filled($0))] },
            "aten.tril.default": { call in
                [.value(try call.add(Trilu(isUpper: false, diagonal: call.int("diagonal", 0)), call.tensor("self")))]
            },
            "aten.triu.default": { call in
                [.value(try call.add(Trilu(isUpper: true, diagonal: call.int("diagonal", 0)), call.tensor("self")))]
            },
            "aten.one_hot.default": { call in
                let x = try call.tensor("self")
                guard let depth = try call.int("num_classes"), depth > 0 else {
                    throw call.unsupported("a count of classes that depends on the numbers")
                }
                let values = try call.constant(Tensor([0, 1], as: .int64, shape: [2]))
                return [.value(try call.add(OneHot(axis: call.shape(x).rank, depth: depth), x, values))]
            },
            "aten.fill.Scalar": { call in
                let x = try call.tensor("self")
                return [.value(try call.full(call.double("value", 0), call.type(x), call.shape(x)))]
            },
            "aten.fill.Tensor": { call in
                let x = try call.tensor("self")
                let value = try call.reshape(call.cast(call.tensor("value"), to: call.type(x)), [])
                return [.value(try call.expand(value, to: call.shape(x)))]
            },
            "aten.zero.default": { call in
                let x = try call.tensor("self")
                return [.value(try call.full(0, call.type(x), call.shape(x)))]
            },
            "aten.copy.default": { call in
                call.ignore("non_blocking")
                let (x, source) = (try call.tensor("self"), try call.tensor("src"))
                return [.value(try call.expand(call.cast(source, to: call.type(x)), to: call.shape(x)))]
            },
        ]
    }

    /// The elements of a value that stand where another one has some.
    private static func corner(_ call: Call, _ x: Graph.ValueID, _ other: Graph.ValueID) throws -> Graph.ValueID {
        let (own, wanted) = (call.shape(x).dimensions, call.shape(other).dimensions)
        guard own != wanted, own.count == wanted.count else { return x }
        return try call.add(Slice(starts: own.map { _ in 0 }, counts: wanted, steps: own.map { _ in 1 }), x)
    }

    private static func chosen(_ call: Call) throws -> Graph.ValueID {
        let (left, right) = (try call.operand("self"), try call.operand("other"))
        let type = call.promoted([left, right])
        let condition = try call.cast(call.tensor("condition"), to: .bool)
        return try call.add(Where(), condition, call.value(left, type), call.value(right, type))
    }

    private static func filled(_ call: Call) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let value = try call.value(call.operand("value"), call.type(x))
        return try call.add(Where(), call.cast(call.tensor("mask"), to: .bool), value, x)
    }

    /// x[i, :, j]: indices that are broadcast together; axes without an index stay.
    private static func index(_ call: Call) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let given = try indices(call, of: x)
        guard let first = given.axes.first else { return x }
        if given.indices.count == 1 { return try call.add(Gather(axis: first), x, given.indices[0]) }
        let places = try places(call, given)
        let result = try call.add(Gather(axis: 0), flattened(call, x, given), places)
        return try call.transpose(result, given.resultOrder(inner: call.shape(places).rank))
    }

    private static func indexPut(_ call: Call) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let given = try indices(call, of: x)
        call.ignore("unsafe")
        guard !given.axes.isEmpty else { throw call.unsupported("an index of no axis") }
        return try put(call, call.tensor("values"), to: x, given, call.flag("accumulate") ? .add : .none)
    }

    private static func indexFill(_ call: Call) throws -> Graph.ValueID {
        let x = try call.tensor("self")
        let shape = call.shape(x)
        let axis = try call.axis(call.int("dim", 0), of: shape.rank)
        let index = try call.indices(call.tensor("index"))
        guard let value = try call.double("value"), call.shape(index).rank <= 1 else {
            throw call.invalid("an index \(call.shape(index))")
        }
        let given = Indices(
            axes: [axis], rest: (0..<shape.rank).filter { $0 != axis }, sizes: [shape[axis]],
            indices: [try call.reshape(index, [call.shape(index).elementCount])])
        return try put(call, call.constant(value, call.type(x)), to: x, given, .none)
    }

    /// x with values in the places of some indices.
    private static func put(
        _ call: Call, _ values: Graph.ValueID, to x: Graph.ValueID, _ given: Indices, _ reduction: ScatterReduction
    ) throws -> Graph.ValueID {
        let shape = call.shape(x)
        let places = try places(call, given)
        let together = call.shape(places)
        let wanted = together.dimensions + given.rest.map { shape[$0] }
        // As the index answers them, and then with what is indexed in front.
        let order = given.resultOrder(inner: together.rank)
        let values = try call.expand(values, to: Shape(checking: order.map { wanted[$0] }))
        let updates = try call.transpose(values, order.indices.map { order.firstIndex(of: $0) ?? $0 })
        let put = try call.add(
            ScatterND(reduction: reduction), flattened(call, x, given),
            call.reshape(places, together.dimensions + [1]), updates)
        let axes = given.axes + given.rest
        let whole = try call.reshape(put, axes.map { shape[$0] })
        return try call.transpose(whole, axes.indices.map { axes.firstIndex(of: $0) ?? $0 })
    }

    /// Indices of some axes, and the axes that have none.
    private struct Indices {
        let axes: [Int]
        let rest: [Int]
        let sizes: [Int]
        let indices: [Graph.ValueID]

        /// The order of axes in which an index answers [indices, rest]: the result's axes stand where the indices were if those follow
        /// each other, else in front.
        func resultOrder(inner: Int) -> [Int] {
            let first = axes.first ?? 0
            guard axes == Array(first..<(first + axes.count)) else { return Array(0..<(inner + rest.count)) }
            return Array(inner..<(inner + first)) + Array(0..<inner) + Array((inner + first)..<(inner + rest.count))
        }
    }

    private static func indices(_ call: Call, of x: Graph.ValueID) throws -> Indices {
        let (given, shape) = (try call.tensors("indices"), call.shape(x))
        guard given.count <= shape.rank else { throw call.invalid("\(given.count) indices of \(shape)") }
        let axes = given.indices.filter { given[$0] != nil }
        let indices = try given.compactMap(\.self).map { id in
            guard call.type(id) != .bool, call.type(id) != .uint8 else {
                throw call.unsupported("a choice by truth, whose size depends on the numbers,")
            }
            return try call.indices(id)
        }
        return Indices(
            axes: axes, rest: (0..<shape.rank).filter { !axes.contains($0) }, sizes: axes.map { shape[$0] },
            indices: indices)
    }

    /// The indexed axes together in front, as one.
    private static func flattened(_ call: Call, _ x: Graph.ValueID, _ given: Indices) throws -> Graph.ValueID {
        let shape = call.shape(x)
        return try call.reshape(
            call.transpose(x, given.axes + given.rest), [given.sizes.reduce(1, *)] + given.rest.map { shape[$0] })
    }

    /// Each tuple of indices as one place in them.
    private static func places(_ call: Call, _ given: Indices) throws -> Graph.ValueID {
        let together = try call.broadcast(given.indices.map(call.shape))
        var place = try wrapped(call, given.indices[0], given.sizes[0])
        for (id, size) in zip(given.indices, given.sizes).dropFirst() {
            let scaled = try call.add(Binary(.mul), place, call.constant(Double(size), .int64))
            place = try call.add(Binary(.add), scaled, wrapped(call, id, size))
        }
        return try call.expand(place, to: together)
    }

    /// Indices that count from the end, counted from the front.
    private static func wrapped(_ call: Call, _ id: Graph.ValueID, _ size: Int) throws -> Graph.ValueID {
        let isBehind = try call.add(Binary(.less), id, call.constant(0, .int64))
        return try call.add(Where(), isBehind, call.sum(id, call.constant(Double(size), .int64)), id)
    }
}

extension Call {
    /// Indices as whole numbers of 64 bits.
    func indices(_ id: Graph.ValueID) throws -> Graph.ValueID { try cast(id, to: .int64) }
}
