// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// Each pass by itself: what it rewrites, what it leaves, and that the answers stay. `RecognisePatternsTests` has those for spelled
/// operators, `IntegerGraphTests` the patterns of `UseIntegers`, `PlanStepsTests` CropFilters.
@Suite("passes") struct PassTests {
    private let image: Shape = [1, 4, 5, 6]

    @Test("RecogniseProducts: products with constant weights, sums of one shape, global means")
    func recogniseProducts() throws {
        var builder = GraphBuilder()
        let x = builder.input(image)
        let sum = try builder.add(
            Binary(.add), builder.batchNorm(builder.convolution(x, 4, bias: true)), builder.convolution(x, 4))
        let rows = try builder.linear(builder.add(Transpose([0, 2, 3, 1]), builder.mean(sum)), 3, bias: true)
        let product = try builder.add(MatMul(), rows, builder.constant([3, 2]))
        try builder.expect(
            RecogniseProducts(), outputs: product,
            become: [
                "FusedConvolution+bias", "FusedBatchNormalization", "FusedConvolution", "FusedAdd",
                "AdaptiveAveragePool", "Transpose", "FusedLinear+bias", "FusedLinear",
            ])
        // Weights that are worked out, a sum that is broadcast, means of other axes or without them.
        builder = GraphBuilder()
        let y = builder.input(image)
        let weights = builder.input([4, 4, 1, 1])
        let conv = try builder.add(Convolution(SlidingWindow(kernel: [1, 1])), y, weights)
        let shifted = try builder.add(Binary(.add), conv, builder.constant([1, 4, 1, 1]))
        let mean = try builder.add(Reduce(.mean, axes: [2, 3], keepDimensions: false), shifted)
        let wide = try builder.add(Reduce(.mean, axes: [1], keepDimensions: true), shifted)
        try builder.expect(
            RecogniseProducts(), outputs: mean, wide, become: ["Conv", "Add", "ReduceMean", "ReduceMean"])
    }

    @Test("FuseBias: a constant for each channel behind a product without bias")
    func fuseBias() throws {
        for shape: Shape in [[1, 3, 1, 1], [3, 1, 1]] {
            var builder = GraphBuilder()
            let conv = try builder.convolution(builder.input(image), 3)
            let sum = try builder.add(Binary(.add), conv, builder.constant(shape))
            try builder.expect(RecogniseProducts(), FuseBias(), outputs: sum, become: ["FusedConvolution+bias"])
        }
        var builder = GraphBuilder()
        let linear = try builder.linear(builder.input([2, 4]), 3)
        let sum = try builder.add(Binary(.add), builder.constant([3]), linear)
        try builder.expect(RecogniseProducts(), FuseBias(), outputs: sum, become: ["FusedLinear+bias"])
        // A number for each column, a product that has its bias, one that somebody else reads.
        for (shape, bias, isRead) in [
            ([1, 1, 1, 6], false, false), ([1, 3, 1, 1], true, false), ([1, 3, 1, 1], false, true),
        ] {
            builder = GraphBuilder()
            let conv = try builder.convolution(builder.input(image), 3, bias: bias)
            let sum = try builder.add(Binary(.add), conv, builder.constant(Shape(shape)))
            let product = bias ? "FusedConvolution+bias" : "FusedConvolution"
            if isRead {
                try builder.expect(RecogniseProducts(), FuseBias(), outputs: sum, conv, become: [product, "Add"])
            } else {
                try builder.expect(RecogniseProducts(), FuseBias(), outputs: sum, become: [product, "Add"])
            }
        }
    }

    @Test("FoldBatchNorm: a batch norm that is a convolution's only reader")
    func foldBatchNorm() throws {
        for bias in [false, true] {
            var builder = GraphBuilder()
            let conv = try builder.convolution(builder.input(image), 3, bias: bias)
            let once = try builder.batchNorm(conv)
            let twice = try builder.batchNorm(once)
            let product = "FusedConvolution" + (bias ? "+bias" : "")
            try builder.expect(
                RecogniseProducts(), FoldBatchNorm(), FoldBatchNorm(), outputs: twice,
                become: [product + "+batch_norm", "FusedBatchNormalization"])
            try builder.expect(
                RecogniseProducts(), FoldBatchNorm(), outputs: once, conv,
                become: [product, "FusedBatchNormalization"])
        }
    }

    @Test("FuseResidual: an addition of what nobody else reads, behind a product that is no depthwise one")
    func fuseResidual() throws {
        var builder = GraphBuilder()
        let x = builder.input(image)
        let conv = try builder.convolution(x, 4)
        let sum = try builder.add(Binary(.add), conv, x)
        try builder.expect(RecogniseProducts(), FuseResidual(), outputs: sum, become: ["FusedConvolution+add"])
        try builder.expect(
            RecogniseProducts(), FuseResidual(), outputs: sum, conv, become: ["FusedConvolution", "FusedAdd"])
        builder = GraphBuilder()
        let y = builder.input(image)
        let depthwise = try builder.add(Binary(.add), y, builder.convolution(y, 4, groups: 4))
        try builder.expect(
            RecogniseProducts(), FuseResidual(), outputs: depthwise, become: ["FusedConvolution", "FusedAdd"])
        builder = GraphBuilder()
        let rows = builder.input([3, 4])
        let first = try builder.add(Binary(.add), builder.linear(rows, 4, bias: true), rows)
        let second = try builder.add(Binary(.add), first, rows)
        try builder.expect(
            RecogniseProducts(), FuseResidual(), outputs: second, become: ["FusedLinear+bias+add", "FusedAdd"])
    }

    @Test("FuseActivation: into products, sums and batch norms; one each, and only what kernels have")
    func fuseActivation() throws {
        let passes: (any Pass, any Pass) = (RecogniseProducts(), FuseActivation())
        var builder = GraphBuilder()
        let x = builder.input(image)
        let conv = try builder.convolution(x, 4)
        let relu = try builder.add(Unary(.relu), conv)
        try builder.expect(passes.0, passes.1, outputs: relu, become: ["FusedConvolution+relu"])
        try builder.expect(passes.0, passes.1, outputs: relu, conv, become: ["FusedConvolution", "Relu"])
        let twice = try builder.add(Unary(.sigmoid), relu)
        try builder.expect(passes.0, passes.1, passes.1, outputs: twice, become: ["FusedConvolution+relu", "Sigmoid"])
        let other = try builder.add(Unary(.exp), builder.add(Binary(.add), x, x))
        try builder.expect(passes.0, passes.1, outputs: other, become: ["FusedAdd", "Exp"])
        let sum = try builder.add(Unary(.silu), builder.add(Binary(.add), x, relu))
        try builder.expect(passes.0, passes.1, outputs: sum, become: ["FusedConvolution+relu", "FusedAdd+silu"])
        let norm = try builder.add(Unary(.clip(min: 0, max: 6)), builder.batchNorm(x))
        try builder.expect(passes.0, passes.1, outputs: norm, become: ["FusedBatchNormalization+relu6"])
        builder = GraphBuilder()
        let linear = try builder.add(
            Unary(.gelu(tanhApproximation: false)), builder.linear(builder.input([2, 4]), 3, bias: true))
        try builder.expect(passes.0, passes.1, outputs: linear, become: ["FusedLinear+bias+gelu"])
    }

    @Test("FuseTables: a table that is an integer product's only reader")
    func fuseTables() throws {
        var maker = QuantizedGraphMaker(seed: 5, isSigned: false)
        let result = try maker.append(.silu, to: maker.input(image))
        var graph = maker.finished(result)
        var before = 0
        for pass in Passes.all {
            if pass is FuseTables { before = graph.nodes.count { $0.op is IntegerLookUp } }
            try pass.run(&graph)
            graph.removeUnread()
            if pass is FuseTables { break }
        }
        #expect(before == 1 && !graph.nodes.contains { $0.op is IntegerLookUp })
        #expect(graph.nodes.contains { ($0.op as? IntegerProduct)?.table != nil })
    }

    @Test("UnsignedActivations: signed bytes of activations become unsigned, 128 higher")
    func unsignedActivations() throws {
        var maker = QuantizedGraphMaker(seed: 5, isSigned: true)
        var graph = maker.finished(try maker.input(image))
        // Beyond what the bytes can hold on either side.
        let input = Tensor(randomFloats(image.elementCount, seed: 2).map { $0 * 5 }, shape: image)
        let before = try graph.evaluate([input])[0].floats()
        try UnsignedActivations().run(&graph)
        graph.removeUnread()
        try graph.check()
        let quantised = graph.nodes.filter { $0.op is QuantizeLinear }
        #expect(quantised.count == 1 && quantised.allSatisfy { graph.fact($0.outputs[0]).elementType == .uint8 })
        #expect(try graph.evaluate([input])[0].floats() == before)
    }

    @Test("MeanFromRowSums: the mean of what a depthwise convolution writes")
    func meanFromRowSums() throws {
        for (groups, expected) in [
            (4, ["FusedConvolution+row_sums", "MeanOfRowSums", "Mul"]),
            (1, ["FusedConvolution", "AdaptiveAveragePool", "Mul"]),
        ] {
            var builder = GraphBuilder()
            let conv = try builder.convolution(builder.input(image), 4, groups: groups)
            let scaled = try builder.add(Binary(.mul), conv, builder.mean(conv))
            try builder.expect(RecogniseProducts(), MeanFromRowSums(), outputs: scaled, become: expected)
        }
    }

    @Test("ScaleIntoWeights: factors of the channels that only a 1x1 convolution of few filters reads")
    func scaleIntoWeights() throws {
        for (filters, kernel, scales) in [(30, 1, true), (31, 1, false), (8, 3, false)] {
            var builder = GraphBuilder()
            let (x, factors) = (builder.input(image), builder.input([1, 4, 1, 1]))
            let scaled = try builder.add(Binary(.mul), factors, x)
            let conv = try builder.convolution(scaled, filters, kernel: kernel)
            try builder.expect(
                RecogniseProducts(), ScaleIntoWeights(), outputs: conv,
                become: scales ? ["FusedConvolution+scale"] : ["Mul", "FusedConvolution"])
            try builder.expect(
                RecogniseProducts(), ScaleIntoWeights(), outputs: conv, scaled, become: ["Mul", "FusedConvolution"])
        }
    }

    @Test("FlattenIntoWeights: a vector that only linear layers read")
    func flattenIntoWeights() throws {
        var builder = GraphBuilder()
        let flat = try builder.add(Reshape([1, 120]), builder.input(image))
        let (first, second) = (try builder.linear(flat, 3), try builder.linear(flat, 2, bias: true))
        try builder.expect(
            RecogniseProducts(), FlattenIntoWeights(), outputs: first, second,
            become: ["FusedLinear+flatten", "FusedLinear+bias+flatten"])
        try builder.expect(
            RecogniseProducts(), FlattenIntoWeights(), outputs: first, flat, become: ["Reshape", "FusedLinear"])
        let other = try builder.add(Unary(.relu), flat)
        try builder.expect(
            RecogniseProducts(), FlattenIntoWeights(), outputs: first, other,
            become: ["Reshape", "FusedLinear", "Relu"])
    }

    @Test("AssignLayouts: NHWC for windows, row-major for the caller, one reordering for all who want it")
    func assignLayouts() throws {
        // The first input comes as its reader wants it; the caller gets what a reordering makes.
        var builder = GraphBuilder()
        let conv = try builder.convolution(builder.input(image), 3)
        let graph = try builder.expect(
            RecogniseProducts(), AssignLayouts(), outputs: conv, become: ["FusedConvolution", "Reorder [0, 1, 2, 3]"])
        #expect(graph.fact(graph.inputs[0]).order == .channelsLast(rank: 4))
        #expect(graph.fact(graph.outputs[0]).order == .rowMajor(rank: 4))
        // What is elementwise follows; a second input is reordered once for two convolutions.
        builder = GraphBuilder()
        let (x, y) = (builder.input(image), builder.input(image))
        let sum = try builder.add(Binary(.add), builder.convolution(y, 3), builder.convolution(y, 3))
        let relu = try builder.add(Unary(.exp), builder.add(Binary(.add), sum, builder.convolution(x, 3)))
        let both = try builder.expect(
            RecogniseProducts(), AssignLayouts(), outputs: relu,
            become: [
                "Reorder [0, 2, 3, 1]", "FusedConvolution", "FusedConvolution", "FusedAdd", "FusedConvolution",
                "FusedAdd", "Exp", "Reorder [0, 1, 2, 3]",
            ])
        #expect(both.fact(both.inputs[1]).order == .rowMajor(rank: 4))
        // An input that was read in its own order, as it is or to be reordered, keeps it.
        for op: any Operator in [Unary(.exp), Trilu(isUpper: true), Softmax(axis: 2)] {
            builder = GraphBuilder()
            let x = builder.input(image)
            let (first, second) = (try builder.add(op, x), try builder.convolution(x, 3))
            let isReordered = op is Softmax
            let kept = try builder.expect(
                RecogniseProducts(), AssignLayouts(), outputs: first, second,
                become: (isReordered ? ["Reorder [0, 1, 3, 2]"] : []) + [
                    op.name, "Reorder [0, 2, 3, 1]", "FusedConvolution",
                ] + [String](repeating: "Reorder [0, 1, 2, 3]", count: isReordered ? 2 : 1))
            #expect(kept.fact(kept.inputs[0]).order == .rowMajor(rank: 4))
        }
        // Where every place has one pixel, both orders are the same: nothing is moved.
        builder = GraphBuilder()
        let small = try builder.convolution(builder.input([1, 4, 1, 1]), 3, kernel: 1)
        try builder.expect(RecogniseProducts(), AssignLayouts(), outputs: small, become: ["FusedConvolution"])
    }

    @Test("a pass that is added needs a test here or beside: these have one")
    func everyPassHasATest() {
        let tested: [any Pass] = [
            UnsignedActivations(), RecogniseGELU(), RecogniseSiLU(), RecogniseHardSwish(),
            RecogniseLayerNormalization(), RecogniseAttention(), CropFilters(), RecogniseProducts(), FuseBias(),
            FoldBatchNorm(), FuseResidual(), FuseActivation(), UseIntegers(), FuseTables(), MeanFromRowSums(),
            ScaleIntoWeights(), FlattenIntoWeights(), AssignLayouts(),
        ]
        #expect(Passes.all.map(\.name) == tested.map(\.name))
    }
}
