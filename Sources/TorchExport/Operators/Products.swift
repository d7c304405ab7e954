// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Products of matrices.
    static var products: [String: AtenTranslator] {
        [
            "aten.linear.default": {
                [.value(try linear($0, $0.tensor("input"), $0.tensor("weight"), $0.optional("bias")))]
            },
            "aten.addmm.default": { [.value(try addmm($0))] },
            "aten.mm.default": { [.value(try product($0, $0.tensor("self"), $0.tensor("mat2"), bias: nil))] },
            "aten.bmm.default": { [.value(try $0.add(MatMul(), $0.tensor("self"), $0.tensor("mat2")))] },
            "aten.matmul.default": { [.value(try product($0, $0.tensor("self"), $0.tensor("other"), bias: nil))] },
            "aten.baddbmm.default": { call in
                let (alpha, beta) = (try call.double("alpha", 1), try call.double("beta", 1))
                let result = try call.add(MatMul(), call.tensor("batch1"), call.tensor("batch2"))
                return [.value(try call.sum(call.scaled(result, alpha), call.scaled(call.tensor("self"), beta)))]
            },
            "aten.mv.default": { [.value(try $0.add(MatMul(), $0.tensor("self"), $0.tensor("vec")))] },
            "aten.dot.default": { [.value(try $0.add(MatMul(), $0.tensor("self"), $0.tensor("tensor")))] },
            "aten.einsum.default": { call in
                guard let equation = try call.string("equation") else { throw call.invalid("the equation is missing") }
                call.ignore("path")
                return [.value(try call.addAll(Einsum(equation), call.allTensors("tensors"))[0])]
            },
        ]
    }

    /// x · weightᵀ + bias.
    private static func linear(
        _ call: Call, _ x: Graph.ValueID, _ weight: Graph.ValueID, _ bias: Graph.ValueID?
    ) throws -> Graph.ValueID {
        let inputs = [x, weight] + [bias].compactMap(\.self)
        if call.constant(weight) != nil, call.shape(weight).rank == 2 { return try call.addAll(Linear(), inputs)[0] }
        let columns = try call.shape(weight).rank == 2 ? call.transpose(weight, [1, 0]) : weight
        let result = try call.add(MatMul(), x, columns)
        return try bias.map { try call.add(Binary(.add), result, $0) } ?? result
    }

    /// beta * self + alpha * mat1 · mat2.
    private static func addmm(_ call: Call) throws -> Graph.ValueID {
        let (alpha, beta) = (try call.double("alpha", 1), try call.double("beta", 1))
        let bias = try call.scaled(call.tensor("self"), beta)
        let (left, right) = (try call.tensor("mat1"), try call.tensor("mat2"))
        guard alpha == 1 else {
            return try call.sum(call.scaled(call.add(MatMul(), left, right), alpha), bias)
        }
        return try product(call, left, right, bias: bias)
    }

    /// A product with a matrix that is known is a linear layer's.
    private static func product(
        _ call: Call, _ left: Graph.ValueID, _ right: Graph.ValueID, bias: Graph.ValueID?
    ) throws -> Graph.ValueID {
        guard call.constant(right) != nil, call.shape(right).rank == 2, call.shape(left).rank >= 1,
            call.type(left).isFloatingPoint, call.constant(left) == nil
        else {
            let result = try call.add(MatMul(), left, right)
            return try bias.map { try call.sum(result, $0) } ?? result
        }
        let columns = call.shape(right)[1]
        let weight = try call.transpose(right, [1, 0])
        let isVector = bias.map { [[columns], [1, columns]].contains(call.shape($0).dimensions) } ?? false
        let vector = try isVector ? bias.map { try call.reshape($0, [columns]) } : nil
        let result = try call.addAll(Linear(), [left, weight] + [vector].compactMap(\.self))[0]
        guard let bias, !isVector else { return result }
        return try call.sum(result, bias)
    }
}

extension Call {
    func scaled(_ id: Graph.ValueID, _ factor: Double) throws -> Graph.ValueID {
        factor == 1 ? id : try add(Binary(.mul), id, constant(factor, type(id)))
    }

    func sum(_ left: Graph.ValueID, _ right: Graph.ValueID) throws -> Graph.ValueID {
        try add(Binary(.add), left, right)
    }
}
