// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

/// Lets integer operators do what stands between a DequantizeLinear and a QuantizeLinear: products, additions, functions of one
/// element, poolings, moves. What has no integer form stays as it is, in Float32.
struct UseIntegers: Pass {
    let name = "UseIntegers"

    func run(_ graph: inout Graph) throws {
        guard graph.nodes.contains(where: { $0.op is DequantizeLinear }) else { return }
        var values = QuantizedValues(graph)
        var index = 0
        while index < graph.nodes.count {
            let node = graph.nodes[index]
            if graph.fact(node.outputs[0]).elementType == .float32 {
                let count = graph.nodes.count
                defer { if graph.nodes.count > count { values = QuantizedValues(graph) } }
                switch node.op {
                case let conv as FusedConvolution: try replace(conv, index, values, &graph)
                case let linear as FusedLinear: try replace(linear, index, values, &graph)
                case let add as FusedAdd: try replace(add, index, values, &graph)
                case let binary as Binary where binary.function == .mul:
                    try replaceProduct(index, values, &graph)
                case let unary as Unary: try replace(unary, index, values, &graph)
                case is Pool, is AdaptivePool: try replacePool(index, values, &graph)
                case is Reshape, is Transpose: try replaceMove(index, values, &graph)
                case is Concat: try replaceConcat(index, values, &graph)
                default: break
                }
            }
            index += 1
        }
    }

    // MARK: Products

    private func replace(
        _ conv: FusedConvolution, _ index: Int, _ values: QuantizedValues, _ graph: inout Graph
    ) throws {
        let operands = conv.operands(graph.nodes[index].inputs)
        guard conv.batchNormEpsilon == nil, !conv.hasScale, !conv.hasRowSums, conv.activation.isBounds,
            let x = values.source(operands.x, in: graph),
            let weights = QuantizedWeights(graph.fact(operands.weight), outputAxis: 0)
        else { return }
        let residual = operands.residual.flatMap { values.source($0, in: graph) }
        guard conv.hasResidual == (residual != nil) else { return }
        var product = IntegerProduct(form: .convolution(conv.convolution), input: x.scale, hasBias: conv.hasBias)
        product.activation = conv.activation
        product.residual = residual?.scale
        try replace(
            index, product, x.bytes, weights, bias: operands.bias, residual: residual?.bytes,
            name: graph[operands.weight].name, values, &graph)
    }

    private func replace(
        _ linear: FusedLinear, _ index: Int, _ values: QuantizedValues, _ graph: inout Graph
    ) throws {
        let inputs = graph.nodes[index].inputs
        guard !linear.hasResidual, !linear.flattensImage, linear.activation.isBounds,
            let x = values.source(inputs[0], in: graph),
            var weights = QuantizedWeights(
                graph.fact(inputs[1]), outputAxis: linear.hasTransposedWeight ? 1 : 0)
        else { return }
        if linear.hasTransposedWeight {
            weights = QuantizedWeights(
                integers: try Transpose([1, 0]).evaluate([weights.integers])[0], scale: weights.scale)
        }
        // An image that is flattened just before is read as it stands.
        var (bytes, flattensImage) = (x.bytes, false)
        if let reshape = values.node(x.bytes, in: graph), reshape.op is Reshape,
            graph.fact(reshape.inputs[0]).shape.rank == 4,
            graph.fact(x.bytes).shape == [1, graph.fact(x.bytes).elementCount]
        {
            (bytes, flattensImage) = (reshape.inputs[0], true)
        }
        var product = IntegerProduct(
            form: .linear(flattensImage: flattensImage), input: x.scale, hasBias: linear.hasBias)
        product.activation = linear.activation
        try replace(
            index, product, bytes, weights, bias: linear.hasBias ? inputs[2] : nil, residual: nil,
            name: graph[inputs[1]].name, values, &graph)
    }

    /// Replaces the node, or the quantisation of what it writes.
    private func replace(
        _ index: Int, _ product: IntegerProduct, _ x: Graph.ValueID, _ weights: QuantizedWeights,
        bias: Graph.ValueID?, residual: Graph.ValueID?, name: String, _ values: QuantizedValues, _ graph: inout Graph
    ) throws {
        var product = product
        let target = values.target(graph.nodes[index].outputs[0], in: graph)
        product.output = target?.scale
        let numbers = IntegerProduct.Numbers(
            product, weight: weights.integers, scale: weights.scale, bias: bias.flatMap { graph.constant($0) })
        guard numbers.areSafe, weights.integers.shape[0] > 0 else { return }
        let weight = graph.addConstant(name, weights.integers)
        let scale = graph.addConstant(name + ":scale", weights.scale)
        try graph.replaceNode(
            target?.node ?? index, with: product,
            inputs: [x, weight, scale] + [bias, residual].compactMap(\.self), name: graph.nodes[index].name)
    }

    // MARK: Functions of elements

    private func replace(_ add: FusedAdd, _ index: Int, _ values: QuantizedValues, _ graph: inout Graph) throws {
        let node = graph.nodes[index]
        guard add.activation.isBounds, let left = values.source(node.inputs[0], in: graph),
            let right = values.source(node.inputs[1], in: graph), let target = values.target(node.outputs[0], in: graph)
        else { return }
        let op = IntegerAdd(
            left: left.scale, right: right.scale, activation: add.activation, output: target.scale)
        guard op.multipliers.left.isFinite, op.multipliers.right.isFinite else { return }
        try graph.replaceNode(target.node, with: op, inputs: [left.bytes, right.bytes], name: node.name)
    }

    private func replaceProduct(_ index: Int, _ values: QuantizedValues, _ graph: inout Graph) throws {
        let node = graph.nodes[index]
        guard let first = values.source(node.inputs[0], in: graph),
            let second = values.source(node.inputs[1], in: graph),
            let target = values.target(node.outputs[0], in: graph)
        else { return }
        for (left, right) in [(first, second), (second, first)] {
            // x times a function of x is a function of x.
            if let gate = values.node(right.bytes, in: graph), let lookUp = gate.op as? IntegerLookUp,
                gate.inputs[0] == left.bytes
            {
                let table = (0...255).map { byte in
                    target.scale.byte(left.scale.value(byte) * right.scale.value(lookUp.table[Int(byte)]))
                }
                return try graph.replaceNode(
                    target.node, with: IntegerLookUp(table), inputs: [left.bytes], name: node.name)
            }
        }
        for (left, right) in [(first, second), (second, first)] {
            let (image, factors) = (graph.fact(left.bytes).shape, graph.fact(right.bytes).shape)
            let op = IntegerMultiply(left: left.scale, right: right.scale, output: target.scale)
            guard image == factors || IntegerMultiply.scalesChannels(image, factors), op.multiplier.isFinite else {
                continue
            }
            return try graph.replaceNode(
                target.node, with: op, inputs: [left.bytes, right.bytes], name: node.name)
        }
    }

    private func replace(_ unary: Unary, _ index: Int, _ values: QuantizedValues, _ graph: inout Graph) throws {
        let node = graph.nodes[index]
        guard let source = values.source(node.inputs[0], in: graph),
            let target = values.target(node.outputs[0], in: graph)
        else { return }
        let known = try unary.evaluate([Tensor((0...255).map { source.scale.value($0) }, shape: [256])])[0].floats()
        let table = IntegerLookUp(known.map { target.scale.byte($0) })
        try graph.replaceNode(target.node, with: table, inputs: [source.bytes], name: node.name)
    }

    // MARK: Windows and moves

    private func replacePool(_ index: Int, _ values: QuantizedValues, _ graph: inout Graph) throws {
        let node = graph.nodes[index]
        guard let source = values.source(node.inputs[0], in: graph),
            let target = values.target(node.outputs[0], in: graph),
            graph.fact(source.bytes).shape.rank == 4, graph.fact(source.bytes).shape[0] == 1
        else { return }
        var mean = IntegerAveragePool(input: source.scale, output: target.scale)
        guard mean.multiplier.isFinite else { return }
        switch node.op {
        case let pool as Pool where pool.function == .max:
            guard source.scale == target.scale else { return }
            return try graph.replaceNode(target.node, with: pool, inputs: [source.bytes], name: node.name)
        case let pool as AdaptivePool where !pool.isMax && pool.outputSize == [1, 1]: break
        case let pool as Pool:
            guard case .average(let countIncludePad) = pool.function else { return }
            (mean.window, mean.countIncludePad) = (pool.window, countIncludePad)
        default: return
        }
        try graph.replaceNode(target.node, with: mean, inputs: [source.bytes], name: node.name)
    }

    private func replaceMove(_ index: Int, _ values: QuantizedValues, _ graph: inout Graph) throws {
        let node = graph.nodes[index]
        guard let source = values.source(node.inputs[0], in: graph),
            let target = values.target(node.outputs[0], in: graph),
            source.scale == target.scale
        else { return }
        try graph.replaceNode(target.node, with: node.op, inputs: [source.bytes], name: node.name)
    }

    /// Values of other scales are brought to the result's by tables.
    private func replaceConcat(_ index: Int, _ values: QuantizedValues, _ graph: inout Graph) throws {
        let node = graph.nodes[index]
        let sources = node.inputs.compactMap { values.source($0, in: graph) }
        guard sources.count == node.inputs.count, let target = values.target(node.outputs[0], in: graph) else { return }
        var inputs: [Graph.ValueID] = []
        var place = target.node
        for source in sources {
            guard source.scale != target.scale else {
                inputs.append(source.bytes)
                continue
            }
            let table = IntegerLookUp(from: source.scale, to: target.scale) { $0 }
            inputs.append(
                try graph.insert(table, [source.bytes], name: node.name + ":\(inputs.count)", before: place)[0])
            place += 1
        }
        try graph.replaceNode(place, with: node.op, inputs: inputs, name: node.name)
    }
}

extension QuantizedWeights {
    fileprivate init(integers: Tensor, scale: Tensor) {
        self.integers = integers
        self.scale = scale
    }
}
