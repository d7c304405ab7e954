// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension AtenOperators {
    /// Sizes and what is computed of them: numbers, all known once the inputs' sizes are.
    static var numbers: [String: AtenTranslator] {
        var all: [String: AtenTranslator] = [
            "aten.sym_size.int": { call in
                let shape = try call.shape(call.tensor("self"))
                return [.number(.int(shape.dimensions[try call.axis(call.int("dim", 0), of: shape.rank)]))]
            },
            "aten.sym_numel.default": { [.number(.int(try $0.shape($0.tensor("self")).elementCount))] },
            "aten.item.default": item, "aten._local_scalar_dense.default": item,
            "math.ceil": { [.number(.int(Int(truncating: try $0.number(at: 0).double.rounded(.up))))] },
            "math.floor": { [.number(.int(Int(truncating: try $0.number(at: 0).double.rounded(.down))))] },
            "math.trunc": { [.number(.int(Int(truncating: try $0.number(at: 0).double.rounded(.towardZero))))] },
            "torch.sym_float": { [.number(.double(try $0.number(at: 0).double))] },
            "torch.sym_int": { [.number(.int(Int(truncating: try $0.number(at: 0).double)))] },
            "torch.sym_not": { [.number(.bool(try $0.number(at: 0).double == 0))] },
            "_operator.neg": { [try arithmetic($0, $0.number(at: 0), .int(-1), Int.multipliedReportingOverflow, *)] },
            "_operator.truediv": { call in
                let (left, right) = (try call.number(at: 0).double, try call.number(at: 1).double)
                guard right != 0 else { throw call.invalid("a division by zero") }
                return [.number(.double(left / right))]
            },
            "_operator.floordiv": { [.number(.int(try whole($0).quotient))] },
            "_operator.mod": { [.number(.int(try whole($0).rest))] },
            "_operator.pow": { call in
                let (base, exponent) = (try call.number(at: 0), try call.number(at: 1))
                guard case .int(let value) = base, case .int(let times) = exponent, (0...64).contains(times) else {
                    throw call.invalid("a power of these numbers")
                }
                var result = 1
                for _ in 0..<times { result = try checked(call, result.multipliedReportingOverflow(by: value)) }
                return [.number(.int(result))]
            },
        ]
        all["torch.sym_sum"] = { call in
            let total = try (call.ints("args") ?? []).reduce(0) { try checked(call, $0.addingReportingOverflow($1)) }
            return [.number(.int(total))]
        }
        let integers:
            [(
                String, @Sendable (Int) -> (Int) -> (partialValue: Int, overflow: Bool),
                @Sendable (Double, Double) -> Double
            )] = [
                ("add", Int.addingReportingOverflow, { $0 + $1 }),
                ("sub", Int.subtractingReportingOverflow, { $0 - $1 }),
                ("mul", Int.multipliedReportingOverflow, { $0 * $1 }),
                ("max", { left in { (max(left, $0), false) } }, { max($0, $1) }),
                ("min", { left in { (min(left, $0), false) } }, { min($0, $1) }),
            ]
        for (name, ofIntegers, ofReals) in integers {
            let translator: AtenTranslator = {
                [try arithmetic($0, $0.number(at: 0), $0.number(at: 1), ofIntegers, ofReals)]
            }
            for place in ["_operator.\(name)", "torch.sym_\(name)"] { all[place] = translator }
        }
        let comparisons: [(String, @Sendable (Double, Double) -> Bool)] = [
            ("eq", { $0 == $1 }), ("ne", { $0 != $1 }), ("lt", { $0 < $1 }), ("le", { $0 <= $1 }), ("gt", { $0 > $1 }),
            ("ge", { $0 >= $1 }), ("and_", { $0 != 0 && $1 != 0 }), ("or_", { $0 != 0 || $1 != 0 }),
        ]
        for (name, compare) in comparisons {
            all["_operator.\(name)"] = {
                [.number(.bool(compare(try $0.number(at: 0).double, try $0.number(at: 1).double)))]
            }
        }
        return all
    }

    /// The number in a tensor of one element.
    private static let item: AtenTranslator = { call in
        let id = try call.tensor("self")
        guard let tensor = call.constant(id), tensor.elementCount == 1 else {
            throw call.invalid("its number depends on the program's input")
        }
        if tensor.elementType == .bool { return [.number(.bool(tensor.integers()[0] != 0))] }
        return [.number(tensor.elementType.isFloatingPoint ? .double(tensor.doubles()[0]) : .int(tensor.integers()[0]))]
    }

    private static func checked(_ call: Call, _ result: (partialValue: Int, overflow: Bool)) throws -> Int {
        guard !result.overflow else { throw call.invalid("a number beyond 64 bits") }
        return result.partialValue
    }

    private static func arithmetic(
        _ call: Call, _ left: Number, _ right: Number,
        _ ofIntegers: (Int) -> (Int) -> (partialValue: Int, overflow: Bool), _ ofReals: (Double, Double) -> Double
    ) throws -> CallResult {
        if case .int(let first) = left, case .int(let second) = right {
            return .number(.int(try checked(call, ofIntegers(first)(second))))
        }
        return .number(.double(ofReals(left.double, right.double)))
    }

    /// Division as Python has it: rounded down.
    private static func whole(_ call: Call) throws -> (quotient: Int, rest: Int) {
        guard case .int(let left) = try call.number(at: 0), case .int(let right) = try call.number(at: 1), right != 0,
            !(left == .min && right == -1)
        else { throw call.invalid("a division of these numbers") }
        let (quotient, rest) = left.quotientAndRemainder(dividingBy: right)
        return rest != 0 && (rest < 0) != (right < 0) ? (quotient - 1, rest + right) : (quotient, rest)
    }
}
