// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

extension Binary {
    /// Applies the function to each pair of elements.
    public func evaluate(_ inputs: [Tensor]) throws -> [Tensor] {
        let shape = try broadcast(inputs.map(\.shape))
        let places = zip(inputs[0].shape.offsets(broadcastTo: shape), inputs[1].shape.offsets(broadcastTo: shape))
        let type = function.givesTruth ? ElementType.bool : inputs[0].elementType
        let isReal = inputs.contains { $0.elementType.isFloatingPoint }
        if isReal {
            let (left, right) = (inputs[0].doubles(), inputs[1].doubles())
            return [try Tensor(places.map { function.ofReals(left[$0], right[$1]) }, as: type, shape: shape)]
        }
        let (left, right) = (inputs[0].integers(), inputs[1].integers())
        return [try Tensor(places.map { try integers(left[$0], right[$1]) }, as: type, shape: shape)]
    }

    private func integers(_ left: Int, _ right: Int) throws -> Int {
        switch function {
        case .add: return left &+ right
        case .sub: return left &- right
        case .mul: return left &* right
        case .div, .mod, .fmod:
            guard right != 0 else { throw fault("division by zero") }
            // The smallest Int divided by -1 does not fit.
            if right == -1 { return function == .div ? 0 &- left : 0 }
            if function == .div { return left / right }
            let rest = left % right
            return function == .mod && rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
        case .pow: return power(left, right)
        case .min: return Swift.min(left, right)
        case .max: return Swift.max(left, right)
        case .pRelu: return left < 0 ? left &* right : left
        case .equal: return left == right ? 1 : 0
        case .less: return left < right ? 1 : 0
        case .lessOrEqual: return left <= right ? 1 : 0
        case .greater: return left > right ? 1 : 0
        case .greaterOrEqual: return left >= right ? 1 : 0
        case .and: return left != 0 && right != 0 ? 1 : 0
        case .or: return left != 0 || right != 0 ? 1 : 0
        case .xor: return (left != 0) != (right != 0) ? 1 : 0
        case .bitwiseAnd: return left & right
        case .bitwiseOr: return left | right
        case .bitwiseXor: return left ^ right
        // A negative distance is one beyond the type's bits.
        case .shiftLeft: return right < 0 ? 0 : left << right
        case .shiftRight: return right < 0 ? left >> 63 : left >> right
        }
    }

    private func power(_ base: Int, _ exponent: Int) -> Int {
        if exponent < 0 { return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0 }
        var (result, square, left) = (1, base, exponent)
        while left > 0 {
            if left & 1 == 1 { result = result &* square }
            square = square &* square
            left >>= 1
        }
        return result
    }
}

extension Binary.Function {
    /// The function of two numbers; truth is 1 and 0. What only integers have is NaN.
    public func ofReals(_ left: Double, _ right: Double) -> Double {
        switch self {
        case .add: left + right
        case .sub: left - right
        case .mul: left * right
        case .div: left / right
        case .pow: MathFunctions.pow(left, right)
        case .min: left.isNaN || right.isNaN ? .nan : Swift.min(left, right)
        case .max: left.isNaN || right.isNaN ? .nan : Swift.max(left, right)
        case .mod: modulo(left, right)
        case .fmod: left.truncatingRemainder(dividingBy: right)
        case .pRelu: left < 0 ? left * right : left
        case .equal: left == right ? 1 : 0
        case .less: left < right ? 1 : 0
        case .lessOrEqual: left <= right ? 1 : 0
        case .greater: left > right ? 1 : 0
        case .greaterOrEqual: left >= right ? 1 : 0
        case .and: left != 0 && right != 0 ? 1 : 0
        case .or: left != 0 || right != 0 ? 1 : 0
        case .xor: (left != 0) != (right != 0) ? 1 : 0
        case .bitwiseAnd, .bitwiseOr, .bitwiseXor, .shiftLeft, .shiftRight: .nan
        }
    }

    /// The rest of a division, with the divisor's sign.
    private func modulo(_ left: Double, _ right: Double) -> Double {
        let rest = left.truncatingRemainder(dividingBy: right)
        if rest == 0 { return right < 0 ? -0.0 : 0 }
        return (rest < 0) != (right < 0) ? rest + right : rest
    }
}
