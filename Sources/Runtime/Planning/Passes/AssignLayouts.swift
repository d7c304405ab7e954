// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Chooses the order in memory of every value: NHWC for what windows slide over, what the operator before gave elsewhere. Where
/// an operator needs another order than a value has, a `Reorder` stands before it. The caller's outputs are row-major.
struct AssignLayouts: Pass {
    let name = "AssignLayouts"

    private struct Wanted: Hashable {
        let value: Graph.ValueID
        let order: AxisOrder
    }

    func run(_ graph: inout Graph) throws {
        var reordered: [Wanted: Graph.ValueID] = [:]
        // Only the first input is brought into another order when a run begins, image by image: others are row-major.
        var free = Set(graph.inputs.prefix(1).filter { graph.fact($0).shape.dimensions.first == 1 })
        var index = 0
        while index < graph.nodes.count {
            var node = graph.nodes[index]
            let rule = LayoutRule(node, in: graph)
            for (place, wanted) in rule.inputs.enumerated() {
                guard let wanted, graph.constant(node.inputs[place]) == nil else { continue }
                let value = node.inputs[place]
                if free.contains(value), wanted == .channelsLast(rank: 4) {
                    // Nobody has read the caller's image yet: it comes in the order that its first reader wants.
                    graph[value].fact.order = wanted
                } else if !graph.fact(value).order.isEquivalent(
                    to: wanted, dimensions: graph.fact(value).shape.dimensions)
                {
                    let key = Wanted(value: value, order: wanted)
                    if reordered[key] == nil {
                        reordered[key] = try reorder(value, to: wanted, in: &graph, before: index)
                        index += 1
                    }
                    if let other = reordered[key] { node.inputs[place] = other }
                }
                free.remove(value)
            }
            free.subtract(node.inputs)
            graph.setInputs(index, node.inputs)
            // The rule may depend on what the inputs have become.
            let orders = LayoutRule(node, in: graph).outputs
            for (output, order) in zip(node.outputs, orders) { graph[output].fact.order = order }
            index += 1
        }
        for place in graph.outputs.indices {
            let value = graph.outputs[place]
            let fact = graph.fact(value)
            let wanted = AxisOrder.rowMajor(rank: fact.shape.rank)
            guard !fact.order.isEquivalent(to: wanted, dimensions: fact.shape.dimensions) else { continue }
            graph.outputs[place] = try reorder(value, to: wanted, in: &graph, before: graph.nodes.count)
        }
    }

    private func reorder(
        _ value: Graph.ValueID, to order: AxisOrder, in graph: inout Graph, before index: Int
    ) throws -> Graph.ValueID {
        let output = try graph.insert(Reorder(order: order), [value], name: graph[value].name, before: index)[0]
        graph[output].fact.order = order
        return output
    }
}

/// How an operator wants its inputs ordered, and how its outputs are ordered then.
struct LayoutRule {
    /// For each input the order that it must have; nil if any will do.
    var inputs: [AxisOrder?]
    var outputs: [AxisOrder]

    init(_ node: Graph.Node, in graph: Graph) {
        let facts = node.inputs.map(graph.fact)
        let results = node.outputs.map(graph.fact)
        let ranks = results.map(\.shape.rank)
        inputs = facts.map { .rowMajor(rank: $0.shape.rank) }
        outputs = ranks.map { .rowMajor(rank: $0) }
        switch node.op {
        case let conv as FusedConvolution:
            let operands = conv.operands(Array(facts.indices))
            inputs = facts.map { _ in nil }
            inputs[0] = .channelsLast(rank: 4)
            if let residual = operands.residual { inputs[residual] = .channelsLast(rank: 4) }
            outputs[0] = .channelsLast(rank: 4)
        case is Resize
        where graph.outputs.contains(node.outputs[0]) && results[0].elementCount >= facts[0].elementCount:
            // The caller gets it row-major: the smaller image is the one to reorder.
            break
        case is Pool, is AdaptivePool, is Resize, is FusedBatchNormalization:
            inputs = facts.map { _ in nil }
            inputs[0] = .channelsLast(rank: ranks[0])
            outputs = [.channelsLast(rank: ranks[0])]
        case let linear as FusedLinear where linear.flattensImage:
            inputs = facts.map { _ in nil }
        case is FusedLinear:
            let order = facts[0].order.withInnermost(ranks[0] - 1)
            inputs = facts.map { _ in nil }
            inputs[0] = order
            if (node.op as? FusedLinear)?.hasResidual == true { inputs[facts.count - 1] = order }
            outputs = [order]
        case is Unary, is IntegerLookUp:
            inputs = [nil]
            outputs = [facts[0].order]
        case is QuantizeLinear, is DequantizeLinear, is IntegerProduct, is IntegerMultiply, is IntegerAveragePool:
            setInteger(node, facts, results, isInput: graph.inputs.contains(node.inputs[0]))
        case is FusedAdd, is IntegerAdd, is Binary, is Where: follow(facts, results[0], all: true)
        case is Concat: follow(facts, results[0], all: false)
        case is Split, is Slice, is Pad:
            inputs = [nil]
            outputs = ranks.map { _ in facts[0].order }
        case let softmax as Softmax:
            let order = facts[0].order.withInnermost(softmax.axis)
            (inputs, outputs) = ([order], [order])
        case let norm as LayerNormalization where norm.axis == ranks[0] - 1:
            let order = facts[0].order.withInnermost(norm.axis)
            inputs = facts.map { _ in nil }
            inputs[0] = order
            outputs = [order]
        case let transpose as Transpose:
            inputs = [nil]
            var places = [Int](repeating: 0, count: ranks[0])
            for (axis, source) in transpose.permutation.enumerated() { places[source] = axis }
            outputs = [AxisOrder(facts[0].order.axes.map { places[$0] })]
        case is Reshape:
            if let order = facts[0].order.reshaped(facts[0].shape.dimensions, results[0].shape.dimensions) {
                (inputs, outputs) = ([nil], [order])
            }
        case let reduce as Reduce:
            inputs = [nil]
            if reduce.keepDimensions {
                outputs = [facts[0].order]
            } else {
                let kept = (0..<facts[0].shape.rank).filter { !reduce.axes.contains($0) }
                outputs = [AxisOrder(facts[0].order.axes.compactMap { kept.firstIndex(of: $0) })]
            }
        case is MeanOfRowSums: outputs = [.channelsLast(rank: 4)]
        case let reorder as Reorder: (inputs, outputs) = ([nil], [reorder.order])
        default: break
        }
    }

    private mutating func setInteger(_ node: Graph.Node, _ facts: [Fact], _ results: [Fact], isInput: Bool) {
        let image = AxisOrder.channelsLast(rank: 4)
        let others = [AxisOrder?](repeating: nil, count: facts.count - 1)
        switch node.op {
        case let product as IntegerProduct:
            switch product.form {
            case .convolution:
                (inputs, outputs) = ([image] + others, [image])
                if product.residual != nil { inputs[facts.count - 1] = image }
            case .linear(let flattensImage):
                inputs = [flattensImage ? nil : .rowMajor(rank: facts[0].shape.rank)] + others
            }
        case is IntegerAveragePool: (inputs, outputs) = ([image], [image])
        case is IntegerMultiply:
            if facts[0].shape == facts[1].shape { return follow(facts, results[0], all: true) }
            (inputs, outputs) = ([image, nil], [image])
        default:
            // One scale for all: any order will do. An image that the caller gives comes as its windows want it.
            guard facts[1].elementCount == 1 else { return }
            let order = isInput && facts[0].shape.rank == 4 ? image : facts[0].order
            (inputs, outputs) = ([order] + others, [order])
        }
    }

    /// Elementwise: everybody takes the order of the first input that has the result's shape.
    private mutating func follow(_ facts: [Fact], _ result: Fact, all: Bool) {
        let rank = result.shape.rank
        let leader = facts.first { $0.constant == nil && $0.shape.rank == rank && (!all || $0.shape == result.shape) }
        let order = leader?.order ?? .rowMajor(rank: rank)
        // What is broadcast is read by its strides, whatever its order.
        inputs = facts.map { $0.shape.rank == rank && (!all || $0.shape == result.shape) ? order : nil }
        outputs = [order]
    }
}

extension AxisOrder {
    /// This order if the axis is contiguous in it, else one in which it is.
    func withInnermost(_ axis: Int) -> AxisOrder {
        axes.last == axis ? self : AxisOrder(axes.filter { $0 != axis } + [axis])
    }

    /// The order of a value of this order under another shape, if the numbers stay where they are: axes that are merged lie one
    /// behind the other in memory, in their own sequence.
    func reshaped(_ from: [Int], _ to: [Int]) -> AxisOrder? {
        if isEquivalent(to: .rowMajor(rank: rank), dimensions: from) { return .rowMajor(rank: to.count) }
        guard !from.contains(0) else { return nil }
        // Groups of axes, old and new, whose sizes have the same product.
        var groups: [(old: [Int], new: [Int])] = []
        var (i, j) = (0, 0)
        while i < from.count || j < to.count {
            var (old, new): ([Int], [Int]) = ([], [])
            var (left, right) = (1, 1)
            if i < from.count {
                old.append(i)
                left = from[i]
                i += 1
            }
            while left != right || (old.isEmpty && new.isEmpty) {
                if right < left, j < to.count {
                    new.append(j)
                    right *= to[j]
                    j += 1
                } else if left < right, i < from.count {
                    old.append(i)
                    left *= from[i]
                    i += 1
                } else if old.isEmpty, j < to.count {
                    new.append(j)
                    right *= to[j]
                    j += 1
                } else {
                    return nil
                }
            }
            groups.append((old, new))
        }
        // Each group's old axes, those of size 1 aside, must be neighbours in memory.
        let significant = axes.filter { from[$0] != 1 }
        var result: [Int] = []
        var place = 0
        while place < significant.count {
            guard let group = groups.first(where: { $0.old.contains(significant[place]) }) else { return nil }
            let members = group.old.filter { from[$0] != 1 }
            guard Array(significant[place..<min(place + members.count, significant.count)]) == members else {
                return nil
            }
            result += group.new
            place += members.count
        }
        let missing = (0..<to.count).filter { !result.contains($0) }
        return AxisOrder(missing + result)
    }
}
