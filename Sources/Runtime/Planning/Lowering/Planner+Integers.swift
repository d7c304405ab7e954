// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// Functions of bytes: sums, products, tables.
    mutating func lowerIntegerElementwise(_ node: Graph.Node) {
        let inputs = node.inputs.map { resolved($0) }
        let output = node.outputs[0].index
        let (shape, count) = (self.shape(node.outputs[0]), fact(node.outputs[0]).elementCount)
        var make: ((Slot, [Slot]) -> any Step)?
        switch node.op {
        case let add as IntegerAdd:
            let factors = add.multipliers
            make = { output, inputs in
                IntegerAddStep(
                    output: output, left: add.left.side(inputs[0], factors.left),
                    right: add.right.side(inputs[1], factors.right), range: add.output.range(add.activation),
                    count: count)
            }
        case let product as IntegerMultiply:
            let isWhole = self.shape(node.inputs[0]) == self.shape(node.inputs[1])
            make = { output, inputs in
                IntegerMultiplyStep(
                    output: output, left: product.left.side(inputs[0], product.multiplier),
                    right: product.right.side(inputs[1], 1), range: product.output.range(.none),
                    rows: isWhole ? 1 : shape[2] * shape[3], columns: isWhole ? count : shape[1])
            }
        case let lookUp as IntegerLookUp:
            let table = reserveTable(lookUp.table)
            make = { output, inputs in
                IntegerLookUpStep(output: output, input: inputs[0], table: table, count: count)
            }
        default: break
        }
        guard let make else { return lowerByReference(node) }
        append(
            Draft(
                summary: summary(
                    node, operation: node.op.operationName, algorithm: "int8 elementwise", reason: "bytes to bytes"),
                reads: inputs, writes: [output], inPlace: inputs[0],
                make: { slot in make(slot(output), inputs.map(slot)) }))
    }

    /// A table of bytes in the prepared weights.
    mutating func reserveTable(_ table: [UInt8]) -> Int {
        let tensor = Tensor(table.map(Float.init), shape: [table.count])
        return weights.reserve(table.count, of: UInt8.self, from: [tensor], packing: Packing("bytes")) {
            $0.update(from: table, count: table.count)
        }
    }

    /// Poolings of bytes.
    mutating func lowerIntegerPooling(_ node: Graph.Node) {
        let (x, y) = (shape(node.inputs[0]), shape(node.outputs[0]))
        guard x.rank == 4, y[0] == 1, x.elementCount > 0 else { return lowerByReference(node) }
        let make: (Slot, Slot) -> any Step
        switch node.op {
        case let pool as Pool where pool.function == .max:
            let geometry = pool.window.geometry(x, y)
            make = { IntegerMaxPoolStep(output: $0, input: $1, geometry: geometry) }
        case let pool as IntegerAveragePool:
            let geometry = pool.geometry(x, y)
            make = {
                IntegerAveragePoolStep(
                    output: $0, input: pool.input.side($1, pool.multiplier), geometry: geometry,
                    countIncludePad: pool.countIncludePad, range: pool.output.range(.none))
            }
        default: return lowerByReference(node)
        }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(
                    node, operation: node.op.operationName, algorithm: "int8 windows", reason: "bytes to bytes"),
                reads: [input], writes: [output], make: { slot in make(slot(output), slot(input)) }))
    }

    /// Floats to bytes and back, with one scale for the whole tensor.
    mutating func lowerQuantization(_ node: Graph.Node) {
        let facts = node.inputs.map(fact)
        let isQuantize = node.op is QuantizeLinear
        let bytes = isQuantize ? fact(node.outputs[0]).elementType : facts[0].elementType
        let zero = facts.count > 2 ? facts[2].constant?.integers().first : 0
        guard bytes == .uint8, facts[1].elementCount == 1, let zero, facts[1].elementType == .float32,
            facts[isQuantize ? 0 : 1].elementType == .float32, facts[0].constant == nil,
            let scale = facts[1].constant?.floats().first
        else { return lowerByReference(node) }
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        let count = fact(node.outputs[0]).elementCount
        append(
            Draft(
                summary: summary(
                    node, operation: isQuantize ? "quantize" : "dequantize", algorithm: "int8 elementwise",
                    reason: "between floats and bytes"),
                reads: [input], writes: [output],
                make: { slot in
                    if isQuantize {
                        return QuantizeStep(
                            output: slot(output), input: .slot(slot(input)), scale: scale,
                            range: TensorScale(scale: scale, zero: zero).range(.none), count: count)
                    }
                    return DequantizeStep(
                        output: slot(output), input: slot(input), scale: scale, zero: Int32(zero), count: count)
                }))
    }
}

extension TensorScale {
    fileprivate func side(_ slot: Slot, _ multiplier: Float) -> IntegerSide {
        IntegerSide(slot: slot, zero: Int32(zero), multiplier: multiplier)
    }
}

extension Operator {
    /// What summaries call an integer operator.
    fileprivate var operationName: String {
        switch self {
        case let add as IntegerAdd: "int8 add" + (add.activation == .none ? "" : " + \(add.activation)")
        case is IntegerMultiply: "int8 mul"
        case is IntegerLookUp: "int8 table"
        default: "int8 " + name.replacing("Integer", with: "")
        }
    }
}
