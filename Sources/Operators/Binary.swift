// SPDX-License-Identifier: MIT

import Graphs
import Tensors

/// A function of two elements, the inputs broadcast together as numpy does it.
public struct Binary: Operator {
    /// What is done to a pair of elements. Names and definitions are ONNX's; `mod` has the divisor's sign, `fmod` the dividend's.
    public enum Function: String, Sendable, Hashable, CaseIterable {
        case add = "Add"
        case sub = "Sub"
        case mul = "Mul"
        case div = "Div"
        case pow = "Pow"
        case min = "Min"
        case max = "Max"
        case mod = "Mod"
        case fmod = "FMod"
        /// Where the left is below zero, times the right.
        case pRelu = "PRelu"
        case equal = "Equal"
        case less = "Less"
        case lessOrEqual = "LessOrEqual"
        case greater = "Greater"
        case greaterOrEqual = "GreaterOrEqual"
        case and = "And"
        case or = "Or"
        case xor = "Xor"
        case bitwiseAnd = "BitwiseAnd"
        case bitwiseOr = "BitwiseOr"
        case bitwiseXor = "BitwiseXor"
        case shiftLeft = "BitShiftLeft"
        case shiftRight = "BitShiftRight"

        /// Whether the result is true or false.
        public var givesTruth: Bool {
            switch self {
            case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .xor: true
            default: false
            }
        }
    }

    /// What is done.
    public var function: Function

    /// Applies a function to each pair of elements.
    public init(_ function: Function) { self.function = function }

    /// The field's name.
    public var name: String { function.rawValue }

    /// Checks the inputs and says what comes out.
    public func outputs(for inputs: [Fact]) throws -> [Fact] {
        try expect(inputs, count: 2...2)
        guard inputs[0].elementType == inputs[1].elementType || function == .pow else {
            throw fault(
                "takes two values of one type, not \(inputs[0].elementType.rawValue) and \(inputs[1].elementType.rawValue)"
            )
        }
        let type = function.givesTruth ? .bool : inputs[0].elementType
        return [Fact(type, try broadcast(inputs.map(\.shape)))]
    }
}
