// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// The same numbers in another order.
    mutating func lowerReorder(_ node: Graph.Node) {
        let (from, to) = (fact(node.inputs[0]), fact(node.outputs[0]))
        guard from.isWordSized || from.isByteSized else { return lowerByReference(node) }
        let part = Move(
            operand: operand(node.inputs[0]),
            copy: StridedCopy(
                dimensions: to.orderedDimensions, inputStrides: to.order.axes.map { from.axisStrides[$0] },
                outputStrides: to.order.axes.map { to.axisStrides[$0] }))
        appendMoves(
            node, [part], operation: "reorder to \(to.order)",
            algorithm: part.copy.isTransposition ? "transpose" : "strided copy",
            reason: "the reader needs another order")
    }

    /// Concat, Split, Slice, Pad with a constant, Expand: parts of values that go to parts of others.
    mutating func lowerMove(_ node: Graph.Node) {
        let facts = (node.inputs + node.outputs).map(fact)
        guard facts.allSatisfy(\.isWordSized) || facts.allSatisfy(\.isByteSized) else { return lowerByReference(node) }
        switch node.op {
        case let concat as Concat: lowerConcat(concat, node)
        case let split as Split:
            var start = 0
            for (place, size) in split.sizes.enumerated() {
                let offset = start * fact(node.inputs[0]).axisStrides[split.axis]
                appendSlice(node, output: place, inputOffset: offset, steps: nil)
                start += size
            }
        case let slice as Slice:
            let strides = fact(node.inputs[0]).axisStrides
            let offset = zip(slice.starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
            appendSlice(node, output: 0, inputOffset: offset, steps: slice.steps)
        case let pad as Pad: lowerPad(pad, node)
        case is Expand: lowerExpand(node)
        default: lowerByReference(node)
        }
    }

    private mutating func lowerConcat(_ concat: Concat, _ node: Graph.Node) {
        let to = fact(node.outputs[0])
        var start = 0
        var parts: [Move] = []
        for input in node.inputs {
            let from = fact(input)
            parts.append(
                Move(
                    operand: operand(input), outputOffset: start * to.axisStrides[concat.axis],
                    copy: StridedCopy(
                        dimensions: to.order.axes.map { from.shape[$0] },
                        inputStrides: to.order.axes.map { from.axisStrides[$0] },
                        outputStrides: to.order.axes.map { to.axisStrides[$0] })))
            start += from.shape[concat.axis]
        }
        appendMoves(node, parts, operation: "concat", algorithm: "strided copy", reason: "one value of several")
    }

    private mutating func appendSlice(_ node: Graph.Node, output: Int, inputOffset: Int, steps: [Int]?) {
        let (from, to) = (fact(node.inputs[0]), fact(node.outputs[output]))
        guard to.elementCount > 0 else { return }
        let part = Move(
            operand: operand(node.inputs[0]), inputOffset: inputOffset,
            copy: StridedCopy(
                dimensions: to.orderedDimensions,
                inputStrides: to.order.axes.map { from.axisStrides[$0] * (steps?[$0] ?? 1) },
                outputStrides: to.order.axes.map { to.axisStrides[$0] }))
        appendMoves(
            node, [part], output: output, operation: node.op.name.lowercased(), algorithm: "strided copy",
            reason: "a part of a value")
    }

    private mutating func lowerPad(_ pad: Pad, _ node: Graph.Node) {
        let (from, to) = (fact(node.inputs[0]), fact(node.outputs[0]))
        guard case .constant(let value) = pad.mode, from.elementType == .float32, to.elementCount > 0 else {
            return lowerByReference(node)
        }
        // Negative paddings cut.
        let first = pad.before.map { max(0, -$0) }
        let kept = (0..<from.shape.rank).map {
            max(0, from.shape[$0] - first[$0] - max(0, -pad.after[$0]))
        }
        let inputOffset = zip(first, from.axisStrides).reduce(0) { $0 + $1.0 * $1.1 }
        let outputOffset = zip(pad.before, to.axisStrides).reduce(0) { $0 + max(0, $1.0) * $1.1 }
        let part = Move(
            operand: operand(node.inputs[0]), inputOffset: inputOffset, outputOffset: outputOffset,
            copy: StridedCopy(
                dimensions: to.order.axes.map { kept[$0] }, inputStrides: to.order.axes.map { from.axisStrides[$0] },
                outputStrides: to.order.axes.map { to.axisStrides[$0] }))
        appendMoves(
            node, [part], fill: Float(value), operation: "pad", algorithm: "strided copy", reason: "a border around it")
    }

    private mutating func lowerExpand(_ node: Graph.Node) {
        let (from, to) = (fact(node.inputs[0]), fact(node.outputs[0]))
        let strides = from.broadcastStrides(to: to)
        let part = Move(
            operand: operand(node.inputs[0]),
            copy: StridedCopy(
                dimensions: to.orderedDimensions, inputStrides: to.order.axes.map { strides[$0] },
                outputStrides: to.order.axes.map { to.axisStrides[$0] }))
        appendMoves(node, [part], operation: "expand", algorithm: "strided copy", reason: "repeated along axes")
    }

    private struct Move {
        let operand: Operand
        var inputOffset = 0
        var outputOffset = 0
        let copy: StridedCopy
    }

    private mutating func appendMoves(
        _ node: Graph.Node, _ moves: [Move], output: Int = 0, fill: Float? = nil, operation: String, algorithm: String,
        reason: String
    ) {
        let target = node.outputs[output].index
        let isBytes = fact(node.outputs[output]).isByteSized
        append(
            Draft(
                summary: summary(node, operation: operation, algorithm: algorithm, reason: reason),
                reads: moves.flatMap(\.operand.reads), writes: [target],
                make: { slot in
                    let parts = moves.map {
                        StridedCopyStep.Part(
                            input: $0.operand.source(slot), inputOffset: $0.inputOffset, outputOffset: $0.outputOffset,
                            copy: $0.copy)
                    }
                    return isBytes
                        ? ByteCopyStep(output: slot(target), parts: parts)
                        : StridedCopyStep(output: slot(target), parts: parts, fill: fill)
                }))
    }

    /// By the operator's reference: slow, but right.
    mutating func lowerByReference(_ node: Graph.Node) {
        let op = node.op
        let inputs = node.inputs.map { (operand: operand($0), fact: fact($0)) }
        let outputs = node.outputs.map { ($0.index, fact($0)) }
        append(
            Draft(
                summary: summary(
                    node, operation: op.name.lowercased(), algorithm: "reference", reason: "no kernel does it"),
                reads: inputs.flatMap(\.operand.reads), writes: outputs.map(\.0),
                make: { slot in
                    ReferenceStep(
                        op: op, inputs: inputs.map { ($0.operand.source(slot), $0.fact) },
                        outputs: outputs.map { (slot($0.0), $0.1) })
                }))
    }
}

extension Fact {
    /// Whether an element takes as much as a Float: kernels that move Floats move it too.
    var isWordSized: Bool { elementType.byteCount == 4 }

    /// Whether an element takes one byte.
    var isByteSized: Bool { elementType.byteCount == 1 }

    /// For each axis, the distance of neighbours in elements.
    var axisStrides: [Int] { order.strides(of: shape.dimensions) }

    /// Sizes in the order in memory.
    var orderedDimensions: [Int] { order.axes.map { shape[$0] } }

    /// For each axis of the value that this one is broadcast to, how far this one moves along it: 0 where it is repeated.
    func broadcastStrides(to result: Fact) -> [Int] {
        let strides = axisStrides
        let missing = result.shape.rank - shape.rank
        return (0..<result.shape.rank).map { axis in
            axis < missing || shape[axis - missing] == 1 ? 0 : strides[axis - missing]
        }
    }
}
