// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Products of matrices.
    static var products: [String: Translator] {
        [
            "MatMul": { [try $0.add(MatMul(), $0.input(0), $0.input(1))] },
            "Gemm": { [try gemm($0)] },
            "Einsum": { context in
                let equation = try context.string("equation")
                let inputs = try context.node.inputs.indices.map { try context.input($0) }
                return try context.addAll(Einsum(equation), inputs)
            },
        ]
    }

    /// alpha * A * B + beta * C. What is a linear layer becomes one.
    static func gemm(_ context: NodeContext) throws -> Graph.ValueID {
        context.ignore("broadcast")
        let (alpha, beta) = (try context.float("alpha", 1), try context.float("beta", 1))
        let (transposesA, transposesB) = (try context.flag("transA"), try context.flag("transB"))
        var (a, b) = (try context.input(0), try context.input(1))
        guard context.shape(a).rank == 2, context.shape(b).rank == 2 else {
            throw context.invalid("takes matrices, not \(context.shape(a)) and \(context.shape(b))")
        }
        if transposesA { a = try context.transpose(a, [1, 0]) }
        var c = context.optional(2)
        if let bias = c, beta != 1 { c = try context.add(Binary(.mul), bias, context.constant(beta, like: bias)) }
        let columns = context.shape(b)[transposesB ? 0 : 1]
        let isVector = c.map { [[columns], [1, columns]].contains(context.shape($0).dimensions) } ?? true
        if context.fact(a).elementType.isFloatingPoint, context.constant(b) != nil, alpha == 1 {
            let weight = transposesB ? b : try context.transpose(b, [1, 0])
            let bias = try isVector ? c.map { try context.reshape($0, [columns]) } : nil
            let result = try context.addAll(Linear(), [a, weight] + [bias].compactMap(\.self))[0]
            if let c, !isVector { return try context.add(Binary(.add), result, c) }
            return result
        }
        if transposesB { b = try context.transpose(b, [1, 0]) }
        var result = try context.add(MatMul(), a, b)
        if alpha != 1 { result = try context.add(Binary(.mul), result, context.constant(alpha, like: result)) }
        if let c { result = try context.add(Binary(.add), result, c) }
        return result
    }
}
