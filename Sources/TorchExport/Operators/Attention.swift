// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Attention in one operator, as it is saved and as backends are given it.
    static var attention: [String: AtenTranslator] {
        [
            "aten.scaled_dot_product_attention.default": { [.value(try attend($0, mask: "attn_mask"))] },
            "aten._scaled_dot_product_flash_attention_for_cpu.default": { call in
                [.value(try attend(call, mask: "attn_mask")), nil]
            },
            "aten._scaled_dot_product_flash_attention.default": { call in
                call.ignore("return_debug_mask")
                return [.value(try attend(call, mask: nil))] + [CallResult?](repeating: nil, count: 8)
            },
            "aten._scaled_dot_product_efficient_attention.default": { call in
                call.ignore("compute_log_sumexp")
                return [.value(try attend(call, mask: "attn_bias"))] + [CallResult?](repeating: nil, count: 3)
            },
            "aten._scaled_dot_product_attention_math.default": { [.value(try attend($0, mask: "attn_mask")), nil] },
        ]
    }

    private static func attend(_ call: Call, mask: String?) throws -> Graph.ValueID {
        let query = try call.tensor("query")
        var (key, value) = (try call.tensor("key"), try call.tensor("value"))
        call.ignore("enable_gqa")
        guard try call.double("dropout_p", 0) == 0 else {
            throw call.invalid("it drops at random: export the model after model.eval()")
        }
        let shape = call.shape(query)
        guard shape.rank >= 2, shape[shape.rank - 1] > 0, call.shape(key).rank == shape.rank,
            call.shape(value).rank == shape.rank
        else { throw call.invalid("query \(shape), key \(call.shape(key)), value \(call.shape(value))") }
        (key, value) = (try grouped(call, key, shape), try grouped(call, value, shape))
        let scale = try call.double("scale") ?? 1 / Double(shape[shape.rank - 1]).squareRoot()
        var added = try mask.flatMap { try call.optional($0) }
        if try call.flag("is_causal") {
            guard added == nil else { throw call.invalid("it has a mask and is causal") }
            let sizes = Shape([shape[shape.rank - 2], call.shape(key)[shape.rank - 2]])
            let lower = try call.add(Trilu(isUpper: false), call.full(1, .int32, sizes))
            added = try call.cast(lower, to: .bool)
        }
        let result = try call.addAll(Attention(scale: scale), [query, key, value] + [added].compactMap(\.self))[0]
        guard let added else { return result }
        // A row that is masked whole has no average: PyTorch gives zeros.
        let isSeen = try call.hasFinite(added)
        if let known = call.constant(isSeen), known.integers().allSatisfy({ $0 != 0 }) { return result }
        return try call.add(Where(), isSeen, result, call.constant(0, call.type(result)))
    }

    /// Heads of keys that several queries share, and batches that are broadcast, are repeated.
    private static func grouped(_ call: Call, _ id: Graph.ValueID, _ query: Shape) throws -> Graph.ValueID {
        let own = call.shape(id)
        let outer = query.rank - 2
        guard outer >= 1, own.dimensions.prefix(outer) != query.dimensions.prefix(outer) else { return id }
        let (heads, wanted) = (own[outer - 1], query[outer - 1])
        guard own.dimensions.prefix(outer - 1) == query.dimensions.prefix(outer - 1), heads > 0, wanted % heads == 0
        else {
            let all = try call.broadcast([
                Shape(Array(own.dimensions.prefix(outer))), Shape(Array(query.dimensions.prefix(outer))),
            ])
            return try call.expand(id, to: call.checked(all.dimensions + own.dimensions.suffix(2)))
        }
        let times = wanted / heads
        let apart = try call.reshape(id, own.dimensions.prefix(outer) + [1] + own.dimensions.suffix(2))
        let spread = try call.expand(
            apart, to: call.checked(own.dimensions.prefix(outer) + [times] + own.dimensions.suffix(2)))
        return try call.reshape(spread, own.dimensions.prefix(outer - 1) + [wanted] + own.dimensions.suffix(2))
    }
}

extension Call {
    /// For each row of a mask, or of scores, whether it lets something through: [..., 1].
    func hasFinite(_ mask: Graph.ValueID) throws -> Graph.ValueID {
        var isOpen = mask
        if type(mask) != .bool { isOpen = try add(Binary(.greater), mask, constant(-.infinity, type(mask))) }
        let rank = shape(mask).rank
        let found = try add(
            Reduce(.max, axes: rank == 0 ? [] : [rank - 1], keepDimensions: true), cast(isOpen, to: .int32))
        return try cast(found, to: .bool)
    }
}
