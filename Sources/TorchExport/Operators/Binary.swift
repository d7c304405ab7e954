// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Functions of two elements, one of which may be a number.
    static var binary: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [:]
        func register(_ name: String, _ translator: @escaping AtenTranslator) {
            for overload in ["Tensor", "Scalar", "default"] { all["aten.\(name).\(overload)"] = translator }
        }
        let plain: [String: Binary.Function] = [
            "mul": .mul, "fmod": .fmod, "remainder": .mod, "minimum": .min, "maximum": .max, "multiply": .mul,
            "bitwise_and": .bitwiseAnd, "bitwise_or": .bitwiseOr, "bitwise_xor": .bitwiseXor, "__and__": .bitwiseAnd,
            "__or__": .bitwiseOr, "__xor__": .bitwiseXor,
            "eq": .equal, "lt": .less, "le": .lessOrEqual, "gt": .greater, "ge": .greaterOrEqual,
        ]
        for (name, function) in plain { register(name) { [.value(try pair(function, $0))] } }
        let ofTruths: [Binary.Function: Binary.Function] = [.bitwiseAnd: .and, .bitwiseOr: .or, .bitwiseXor: .xor]
        for (name, function) in plain {
            guard let logic = ofTruths[function] else { continue }
            register(name) { call in
                let operands = [try call.operand("self"), try call.operand("other")]
                let isTruth = call.promoted(operands) == .bool
                return [.value(try apply(isTruth ? logic : function, call, operands[0], operands[1]))]
            }
        }
        let logic: [String: Binary.Function] = ["logical_and": .and, "logical_or": .or, "logical_xor": .xor]
        for (name, function) in logic {
            register(name) { call in
                let (left, right) = (try call.tensor("self"), try call.tensor("other"))
                return [.value(try call.add(Binary(function), call.cast(left, to: .bool), call.cast(right, to: .bool)))]
            }
        }
        register("ne") { call in [.value(try call.add(Unary(.not), pair(.equal, call)))] }
        register("not_equal") { call in [.value(try call.add(Unary(.not), pair(.equal, call)))] }
        register("add") { [.value(try sum($0, .add))] }
        register("sub") { [.value(try sum($0, .sub))] }
        register("rsub") { [.value(try sum($0, .sub, isReversed: true))] }
        register("div") { [.value(try quotient($0, nil))] }
        register("true_divide") { [.value(try quotient($0, nil))] }
        register("floor_divide") { [.value(try quotient($0, "floor"))] }
        for overload in ["Tensor_mode", "Scalar_mode"] {
            all["aten.div.\(overload)"] = { [.value(try quotient($0, $0.string("rounding_mode")))] }
        }
        for overload in ["Tensor_Tensor", "Tensor_Scalar"] {
            all["aten.pow.\(overload)"] = { [.value(try power($0, $0.operand("self"), $0.operand("exponent")))] }
        }
        all["aten.pow.Scalar"] = { [.value(try power($0, $0.operand("self"), $0.operand("exponent")))] }
        for name in ["clamp", "clamp_min", "clamp_max"] { all["aten.\(name).Tensor"] = clamped }
        all["aten.addcmul.default"] = { [.value(try combined($0, .mul))] }
        all["aten.addcdiv.default"] = { [.value(try combined($0, .div))] }
        all["aten.lerp.Scalar"] = { call in
            let (start, end) = (try call.tensor("self"), try call.tensor("end"))
            let weight = try call.constant(call.double("weight", 0), call.type(start))
            let way = try call.add(Binary(.mul), call.add(Binary(.sub), end, start), weight)
            return [.value(try call.add(Binary(.add), start, way))]
        }
        return all
    }

    private static func pair(_ function: Binary.Function, _ call: Call) throws -> Graph.ValueID {
        try apply(function, call, call.operand("self"), call.operand("other"))
    }

    /// Brings both to one type and applies the function.
    private static func apply(
        _ function: Binary.Function, _ call: Call, _ left: Operand, _ right: Operand
    ) throws -> Graph.ValueID {
        let type = call.promoted([left, right])
        return try call.add(Binary(function), call.value(left, type), call.value(right, type))
    }

    /// self + alpha * other.
    private static func sum(
        _ call: Call, _ function: Binary.Function, isReversed: Bool = false
    ) throws -> Graph.ValueID {
        var (left, right) = (try call.operand("self"), try call.operand("other"))
        if let alpha = try call.number("alpha"), alpha.double != 1 {
            if isReversed { left = try scaled(call, left, alpha) } else { right = try scaled(call, right, alpha) }
        }
        return try isReversed ? apply(function, call, right, left) : apply(function, call, left, right)
    }

    private static func scaled(_ call: Call, _ operand: Operand, _ factor: Number) throws -> Operand {
        .tensor(try apply(.mul, call, operand, .number(factor)))
    }

    /// A quotient of whole numbers is a real one, unless it is rounded.
    private static func quotient(_ call: Call, _ rounding: String?) throws -> Graph.ValueID {
        let (left, right) = (try call.operand("self"), try call.operand("other"))
        let type = call.promoted([left, right])
        let isWhole = !type.isFloatingPoint
        let divided: ElementType = isWhole ? (rounding == nil ? .float32 : .float64) : type
        let quotient = try call.add(Binary(.div), call.value(left, divided), call.value(right, divided))
        let rounded: Graph.ValueID
        switch rounding {
        case nil: return quotient
        case "floor": rounded = try call.add(Unary(.floor), quotient)
        case "trunc":
            let magnitude = try call.add(Unary(.floor), call.add(Unary(.abs), quotient))
            rounded = try call.add(Binary(.mul), call.add(Unary(.sign), quotient), magnitude)
        case let other?: throw call.unsupported("rounding_mode '\(other)'")
        }
        return try call.cast(rounded, to: type)
    }

    private static func power(_ call: Call, _ base: Operand, _ exponent: Operand) throws -> Graph.ValueID {
        let type = call.promoted([base, exponent])
        let left = try call.value(base, type)
        if case .number(let number) = exponent, type.isFloatingPoint {
            switch number.double {
            case 1: return left
            case 2: return try call.add(Binary(.mul), left, left)
            case 0.5: return try call.add(Unary(.sqrt), left)
            default: break
            }
        }
        return try call.add(Binary(.pow), left, call.value(exponent, type))
    }

    private static func clamped(_ call: Call) throws -> [CallResult?] {
        var x = try call.tensor("self")
        let bounds = [("min", Binary.Function.max), ("max", .min)]
        for (name, function) in bounds {
            guard let bound = try call.optional(name) else { continue }
            x = try apply(function, call, .tensor(x), .tensor(bound))
        }
        return [.value(x)]
    }

    /// self + value * tensor1 * tensor2, or divided.
    private static func combined(_ call: Call, _ function: Binary.Function) throws -> Graph.ValueID {
        var product = try apply(function, call, .tensor(call.tensor("tensor1")), .tensor(call.tensor("tensor2")))
        if let value = try call.number("value"), value.double != 1 {
            product = try apply(.mul, call, .tensor(product), .number(value))
        }
        return try apply(.add, call, .tensor(call.tensor("self")), .tensor(product))
    }
}

/// One side of an operator of two: a tensor, or a number.
enum Operand {
    case tensor(Graph.ValueID)
    case number(Number)
}

extension Call {
    func operand(_ name: String) throws -> Operand {
        if case .tensor? = node.inputs.first(where: { $0.name == name })?.argument { return .tensor(try tensor(name)) }
        guard let number = try number(name) else { throw invalid("argument '\(name)' is missing") }
        return .number(number)
    }

    func promoted(_ operands: [Operand]) -> ElementType {
        var (ids, numbers) = ([Graph.ValueID](), [Number]())
        for operand in operands {
            switch operand {
            case .tensor(let id): ids.append(id)
            case .number(let number): numbers.append(number)
            }
        }
        return promoted(ids, numbers)
    }

    func value(_ operand: Operand, _ type: ElementType) throws -> Graph.ValueID {
        switch operand {
        case .tensor(let id): try cast(id, to: type)
        case .number(.int(let integer)): try constant(Tensor([integer], as: type, shape: []))
        case .number(let number): try constant(number.double, type)
        }
    }
}
