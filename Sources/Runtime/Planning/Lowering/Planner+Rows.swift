// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension BinaryFunction {
    /// The kernels' function that does the same as an operator's, if there is one.
    init?(_ function: Binary.Function) {
        switch function {
        case .add: self = .add
        case .sub: self = .subtract
        case .mul: self = .multiply
        case .div: self = .divide
        case .min: self = .minimum
        case .max: self = .maximum
        default: return nil
        }
    }
}

extension Planner {
    /// A function of two values that are broadcast together.
    mutating func lowerBinary(_ binary: Binary, _ node: Graph.Node) {
        var inputs = node.inputs
        var function = BinaryFunction(binary.function)
        if binary.function == .pow, let exponent = graph.constant(inputs[1]), exponent.elementCount == 1,
            exponent.floats() == [2]
        {
            (function, inputs[1]) = (.multiply, inputs[0])
        }
        let result = fact(node.outputs[0])
        guard let function, (inputs + node.outputs).allSatisfy({ fact($0).elementType == .float32 }),
            let broadcast = CombineStep.Broadcast(
                dimensions: result.orderedDimensions,
                left: result.order.axes.map { fact(inputs[0]).broadcastStrides(to: result)[$0] },
                right: result.order.axes.map { fact(inputs[1]).broadcastStrides(to: result)[$0] })
        else { return lowerByReference(node) }
        let (left, right) = (operand(inputs[0]), operand(inputs[1]))
        let output = node.outputs[0].index
        append(
            Draft(
                summary: summary(
                    node, operation: "\(function)", algorithm: "elementwise", reason: "broadcast along axes"),
                reads: left.reads + right.reads, writes: [output],
                make: { slot in
                    CombineStep(
                        output: slot(output), left: left.source(slot), right: right.source(slot), function: function,
                        activation: .none, broadcast: broadcast)
                }))
    }

    /// Functions of one element that no kernel does in vectors: bounds and slopes, others one by one.
    mutating func lowerUnary(_ function: Unary.Function, _ node: Graph.Node) {
        var (low, high, slope) = (-Float.infinity, Float.infinity, Float(1))
        switch function {
        case .clip(let min, let max): (low, high) = (Float(min), Float(max))
        case .leakyRelu(let alpha): slope = Float(alpha)
        default: return lowerFunction(function, node)
        }
        guard low <= high else { return lowerFunction(function, node) }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        let bounds = (low, high, slope)
        append(
            Draft(
                summary: summary(
                    node, operation: node.op.name.lowercased(), algorithm: "elementwise", reason: "bounds and a slope"),
                reads: [input], writes: [output], isRowwise: fact(node.outputs[0]).isRow, inPlace: input,
                make: { slot in
                    ClampStep(
                        output: slot(output), input: slot(input), low: bounds.0, high: bounds.1, slope: bounds.2)
                }))
    }

    private mutating func lowerFunction(_ function: Unary.Function, _ node: Graph.Node) {
        // Truths are no Floats.
        guard fact(node.outputs[0]).elementType == .float32 else { return lowerByReference(node) }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(
                    node, operation: node.op.name.lowercased(), algorithm: "one by one",
                    reason: "no kernel has this function"),
                reads: [input], writes: [output], isRowwise: fact(node.outputs[0]).isRow, inPlace: input,
                make: { slot in
                    FunctionStep(output: slot(output), input: slot(input)) { function($0) }
                }))
    }

    /// Rows along the contiguous axis.
    mutating func lowerLayerNormalization(_ norm: LayerNormalization, _ node: Graph.Node) {
        let x = fact(node.inputs[0])
        let columns = x.shape.dimensions[norm.axis...].reduce(1, *)
        let isWhole = node.inputs.dropFirst().allSatisfy {
            fact($0).elementCount == columns && graph.constant($0) != nil
        }
        guard x.elementType == .float32, isWhole, columns > 0 else { return lowerByReference(node) }
        let parameters = node.inputs.dropFirst().map { reserveVector($0) }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(
                    node, operation: "layer_norm", algorithm: "rows", reason: "the axis is contiguous",
                    weightFloats: parameters.count * columns),
                reads: [input], writes: [output], inPlace: input,
                make: { slot in
                    LayerNormalizationStep(
                        output: slot(output), input: slot(input), scale: parameters.first,
                        shift: parameters.count > 1 ? parameters[1] : nil, epsilon: Float(norm.epsilon),
                        columns: columns)
                }))
    }

    /// Sums and their like, if the reduced axes are neighbours in memory.
    mutating func lowerReduce(_ reduce: Reduce, _ node: Graph.Node) {
        let x = fact(node.inputs[0])
        let significant = x.order.axes.filter { x.shape[$0] != 1 }
        let flags = significant.map { reduce.axes.contains($0) }
        guard x.elementType == .float32, x.elementCount > 0, let first = flags.firstIndex(of: true),
            let last = flags.lastIndex(of: true), flags[first...last].allSatisfy(\.self),
            let (reduction, factor, takesRoot) = rowReduction(
                reduce.function, count: significant[first...last].reduce(1) { $0 * x.shape[$1] },
                isInnermost: last == flags.count - 1)
        else { return lowerByReference(node) }
        let sizes = significant.map { x.shape[$0] }
        let outer = sizes[..<first].reduce(1, *)
        let (reduced, inner) = (sizes[first...last].reduce(1, *), sizes[(last + 1)...].reduce(1, *))
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(
                    node, operation: node.op.name.lowercased(), algorithm: inner == 1 ? "rows" : "columns",
                    reason: "the axes are neighbours in memory"),
                reads: [input], writes: [output],
                make: { slot in
                    ReduceStep(
                        output: slot(output), input: slot(input), outer: outer, reduced: reduced, inner: inner,
                        reduction: reduction, factor: factor, takesRoot: takesRoot)
                }))
    }

    private func rowReduction(
        _ function: Reduce.Function, count: Int, isInnermost: Bool
    ) -> (RowReduction, factor: Float, takesRoot: Bool)? {
        switch function {
        case .sum: (.sum, 1, false)
        case .mean: (.sum, 1 / Float(count), false)
        case .max: (.maximum, 1, false)
        case .min: (.minimum, 1, false)
        case .l1 where isInnermost: (.sumOfMagnitudes, 1, false)
        case .l2: (.sumOfSquares, 1, true)
        case .sumSquare: (.sumOfSquares, 1, false)
        default: nil
        }
    }
}
