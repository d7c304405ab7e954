// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// Products of stacks of matrices; both are row-major.
    mutating func lowerMatMul(_ node: Graph.Node) {
        let (left, right, result) = (fact(node.inputs[0]), fact(node.inputs[1]), fact(node.outputs[0]))
        guard [left, right].allSatisfy({ $0.elementType == .float32 && $0.shape.rank >= 2 }), result.elementCount > 0,
            left.elementCount > 0
        else { return lowerByReference(node) }
        let (m, k) = (left.shape[left.shape.rank - 2], left.shape[left.shape.rank - 1])
        let n = right.shape[right.shape.rank - 1]
        let stack = Array(result.shape.dimensions.dropLast(2))
        let (leftOffsets, rightOffsets) = (offsets(of: left, in: stack), offsets(of: right, in: stack))
        let (a, b) = (operand(node.inputs[0]), operand(node.inputs[1]))
        let output = node.outputs[0].index
        let packedCount = kernels.gemm.packedCount(n, k)
        append(
            Draft(
                summary: summary(
                    node, operation: "matmul", algorithm: "gemm, packed as it runs", reason: "no side is constant",
                    multiplyAdds: leftOffsets.count * m * n * k),
                reads: a.reads + b.reads, writes: [output],
                make: { slot in
                    MatMulStep(
                        output: slot(output), left: a.source(slot), right: b.source(slot), m: m, n: n, k: k,
                        leftOffsets: leftOffsets, rightOffsets: rightOffsets, packedCount: packedCount)
                }))
    }

    /// Where each matrix of a stack stands in a value that is broadcast to it.
    private func offsets(of value: Fact, in stack: [Int]) -> [Int] {
        let own = Array(value.shape.dimensions.dropLast(2))
        let size = value.shape.dimensions.suffix(2).reduce(1, *)
        return (0..<stack.reduce(1, *)).map { index in
            var (rest, stride, place) = (index, size, 0)
            for axis in stack.indices.reversed() {
                let position = rest % stack[axis]
                rest /= stack[axis]
                let ownAxis = axis - (stack.count - own.count)
                guard ownAxis >= 0 else { continue }
                if own[ownAxis] != 1 { place += position * stride }
                stride *= own[ownAxis]
            }
            return place
        }
    }

    /// Attention, head by head; everything is row-major.
    mutating func lowerAttention(_ attention: Attention, _ node: Graph.Node) {
        let facts = node.inputs.map(fact)
        guard facts.allSatisfy({ $0.elementType == .float32 }), fact(node.outputs[0]).elementCount > 0 else {
            return lowerByReference(node)
        }
        let (query, key, value) = (facts[0].shape, facts[1].shape, facts[2].shape)
        let rank = query.rank
        let (length, depth, keys, valueDepth) = (query[rank - 2], query[rank - 1], key[rank - 2], value[rank - 1])
        let stack = Array(query.dimensions.dropLast(2))
        let heads = stack.reduce(1, *)
        var (maskOffsets, maskRowStride) = ([Int](), 0)
        if facts.count == 4 {
            let scores = Fact(.float32, Shape(stack + [length, keys]))
            let strides = facts[3].broadcastStrides(to: scores)
            guard strides[rank - 1] == 1 || keys == 1 else { return lowerByReference(node) }
            maskRowStride = strides[rank - 2]
            maskOffsets = (0..<heads).map { head in
                var (rest, place) = (head, 0)
                for axis in stack.indices.reversed() {
                    place += rest % stack[axis] * strides[axis]
                    rest /= stack[axis]
                }
                return place
            }
        }
        let (q, k, v) = (resolved(node.inputs[0]), resolved(node.inputs[1]), resolved(node.inputs[2]))
        guard node.inputs.prefix(3).allSatisfy({ graph.constant($0) == nil }) else { return lowerByReference(node) }
        let mask = facts.count == 4 ? operand(node.inputs[3]) : nil
        let output = node.outputs[0].index
        let packed = (kernels.gemm.packedCount(keys, depth), kernels.gemm.packedCount(valueDepth, keys))
        let (offsets, rowStride) = (maskOffsets, maskRowStride)
        // So many queries that their scores stay in a core's first cache.
        let tiles = max(1, AttentionStep.scoreFloats / max(1, keys) / kernels.gemm.tileRows)
        let blockRows = min(length, tiles * kernels.gemm.tileRows)
        append(
            Draft(
                summary: summary(
                    node, operation: "attention", algorithm: "head by head", reason: "scores stay in a cache",
                    multiplyAdds: heads * length * keys * (depth + valueDepth)),
                reads: [q, k, v] + (mask?.reads ?? []), writes: [output],
                make: { slot in
                    AttentionStep(
                        output: slot(output), query: slot(q), key: slot(k), value: slot(v), mask: mask?.source(slot),
                        scale: Float(attention.scale), heads: heads, length: length, keys: keys, depth: depth,
                        valueDepth: valueDepth, maskOffsets: offsets, maskRowStride: rowStride, packedKeys: packed.0,
                        packedValues: packed.1, blockRows: blockRows)
                }))
    }
}
