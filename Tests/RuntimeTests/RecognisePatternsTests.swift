// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors
import TestSupport
import Testing

@testable import Runtime

/// Operators that files spell in primitives: each spelling becomes one operator, and the answers stay the same.
@Suite struct RecognisePatternsTests {
    @Test func spelledGELUsAreOne() throws {
        for variant in 0..<3 {
            var builder = GraphBuilder()
            let x = builder.graph.addInput("x", Fact(.float32, [2, 5]))
            let root = builder.number(Float(2).squareRoot())
            let argument =
                try variant == 1
                ? builder.add(Binary(.mul), x, builder.number(0.70710677)) : builder.add(Binary(.div), x, root)
            let sum = try builder.add(Binary(.add), builder.add(Unary(.erf), argument), builder.number(1))
            let half = builder.number(0.5)
            let result =
                try variant == 2
                ? builder.add(Binary(.mul), builder.add(Binary(.mul), half, x), sum)
                : builder.add(Binary(.mul), builder.add(Binary(.mul), x, sum), half)
            try builder.expect(RecogniseGELU(), outputs: result, become: ["Gelu"])
        }
    }

    @Test func spelledTanhGELUsAreOne() throws {
        for usesPower in [true, false] {
            var builder = GraphBuilder()
            let x = builder.graph.addInput("x", Fact(.float32, [2, 5]))
            let square = try builder.add(Binary(.mul), x, x)
            let cube =
                try usesPower
                ? builder.add(Binary(.pow), x, builder.number(3)) : builder.add(Binary(.mul), square, x)
            let scaled = try builder.add(Binary(.mul), cube, builder.number(0.044715))
            let sum = try builder.add(Binary(.add), x, scaled)
            let argument = try builder.add(Binary(.mul), sum, builder.number(0.7978846))
            let gate = try builder.add(Binary(.add), builder.add(Unary(.tanh), argument), builder.number(1))
            let result = try builder.add(Binary(.mul), builder.add(Binary(.mul), x, builder.number(0.5)), gate)
            try builder.expect(RecogniseGELU(), outputs: result, become: ["Gelu"])
        }
    }

    @Test func otherNumbersAreNoGELU() throws {
        var builder = GraphBuilder()
        let x = builder.graph.addInput("x", Fact(.float32, [2, 5]))
        let argument = try builder.add(Binary(.mul), x, builder.number(0.7))
        let sum = try builder.add(Binary(.add), builder.add(Unary(.erf), argument), builder.number(1))
        let result = try builder.add(Binary(.mul), builder.add(Binary(.mul), x, sum), builder.number(0.5))
        try builder.expect(RecogniseGELU(), outputs: result, become: ["Mul", "Erf", "Add", "Mul", "Mul"])
    }

    @Test func gatesOfTheirOwnInputAreSiLUAndMish() throws {
        var builder = GraphBuilder()
        let x = builder.graph.addInput("x", Fact(.float32, [2, 5]))
        let result = try builder.add(Binary(.mul), builder.add(Unary(.sigmoid), x), x)
        try builder.expect(RecogniseSiLU(), outputs: result, become: ["Silu"])
        builder = GraphBuilder()
        let y = builder.graph.addInput("y", Fact(.float32, [2, 5]))
        let soft = try builder.add(Unary(.softplus(beta: 1, threshold: .infinity)), y)
        let mish = try builder.add(Binary(.mul), y, builder.add(Unary(.tanh), soft))
        try builder.expect(RecogniseSiLU(), outputs: mish, become: ["Mish"])
        // Squeeze-and-excitation: the gate is of another value.
        builder = GraphBuilder()
        let image = builder.graph.addInput("image", Fact(.float32, [1, 2, 2, 2]))
        let mean = try builder.add(Reduce(.mean, axes: [2, 3], keepDimensions: true), image)
        let scaled = try builder.add(Binary(.mul), image, builder.add(Unary(.sigmoid), mean))
        try builder.expect(RecogniseSiLU(), outputs: scaled, become: ["ReduceMean", "Sigmoid", "Mul"])
    }

    @Test func clippedSumsAreHardSwish() throws {
        for variant in 0..<3 {
            var builder = GraphBuilder()
            let x = builder.graph.addInput("x", Fact(.float32, [2, 5]))
            let six = builder.number(6)
            let sum = try builder.add(Binary(.add), x, builder.number(3))
            let clipped = try builder.add(Unary(.clip(min: 0, max: 6)), sum)
            let result: Graph.ValueID
            switch variant {
            case 0: result = try builder.add(Binary(.div), builder.add(Binary(.mul), x, clipped), six)
            case 1: result = try builder.add(Binary(.mul), x, builder.add(Binary(.div), clipped, six))
            default:
                let gate = try builder.add(Unary(.hardSigmoid(alpha: Double(Float(1) / 6), beta: 0.5)), x)
                result = try builder.add(Binary(.mul), gate, x)
            }
            try builder.expect(RecogniseHardSwish(), outputs: result, become: ["HardSwish"])
        }
    }

    @Test func boundsThatAreSetOneByOneAreHardSwishToo() throws {
        let (lower, upper) = (Unary(.clip(min: 0, max: .infinity)), Unary(.clip(min: -.infinity, max: 6)))
        for first in [lower, upper, Unary(.relu)] {
            var builder = GraphBuilder()
            let x = builder.graph.addInput("x", Fact(.float32, [2, 5]))
            let sum = try builder.add(Binary(.add), x, builder.number(3))
            let clipped = try builder.add(first.function == upper.function ? lower : upper, builder.add(first, sum))
            let swish = try builder.add(Binary(.div), builder.add(Binary(.mul), x, clipped), builder.number(6))
            try builder.expect(RecogniseHardSwish(), outputs: swish, become: ["HardSwish"])
            let sigmoid = try builder.add(Binary(.div), clipped, builder.number(6))
            try builder.expect(RecogniseHardSwish(), outputs: sigmoid, become: ["HardSigmoid"])
        }
        var builder = GraphBuilder()
        let x = builder.graph.addInput("x", Fact(.float32, [2, 5]))
        let sum = try builder.add(Binary(.add), x, builder.number(3))
        let clipped = try builder.add(upper, builder.add(Unary(.clip(min: 1, max: .infinity)), sum))
        let result = try builder.add(Binary(.div), clipped, builder.number(6))
        try builder.expect(RecogniseHardSwish(), outputs: result, become: ["Add", "Clip", "Clip", "Div"])
    }

    @Test func spelledLayerNormsAreOne() throws {
        for usesPower in [true, false] {
            var builder = GraphBuilder()
            let x = builder.graph.addInput("x", Fact(.float32, [2, 3, 4]))
            let mean = try builder.add(Reduce(.mean, axes: [2], keepDimensions: true), x)
            let difference = try builder.add(Binary(.sub), x, mean)
            let square =
                try usesPower
                ? builder.add(Binary(.pow), difference, builder.number(2))
                : builder.add(Binary(.mul), difference, difference)
            let variance = try builder.add(Reduce(.mean, axes: [2], keepDimensions: true), square)
            let shifted = try builder.add(Binary(.add), variance, builder.number(1e-5))
            let quotient = try builder.add(Binary(.div), difference, builder.add(Unary(.sqrt), shifted))
            let scaled = try builder.add(Binary(.mul), quotient, builder.vector([1, 2, 3, 4]))
            let result = try builder.add(Binary(.add), scaled, builder.vector([5, 6, 7, 8]))
            try builder.expect(RecogniseLayerNormalization(), outputs: result, become: ["LayerNormalization"])
        }
    }

    @Test func spelledAttentionIsOne() throws {
        for hasMask in [true, false] {
            var builder = GraphBuilder()
            let query = builder.graph.addInput("q", Fact(.float32, [1, 2, 3, 4]))
            let key = builder.graph.addInput("k", Fact(.float32, [1, 5, 2, 4]))
            let value = builder.graph.addInput("v", Fact(.float32, [1, 2, 5, 6]))
            let root = builder.number(0.70710677)
            let left = try builder.add(Binary(.mul), query, root)
            // As exporters have it: from [N, S, H, E] at once to [N, H, E, S].
            let right = try builder.add(Binary(.mul), builder.add(Transpose([0, 2, 3, 1]), key), root)
            var scores = try builder.add(MatMul(), left, right)
            if hasMask {
                let mask = builder.graph.addConstant("mask", Tensor((0..<15).map(Float.init), shape: [3, 5]))
                scores = try builder.add(Binary(.add), scores, mask)
            }
            let weights = try builder.add(Softmax(axis: 3), scores)
            let result = try builder.add(MatMul(), weights, value)
            try builder.expect(RecogniseAttention(), outputs: result, become: ["Transpose", "Attention"])
        }
    }
}
