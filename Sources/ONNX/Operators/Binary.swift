// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Functions of two elements.
    static var binary: [String: Translator] {
        var all: [String: Translator] = [
            "Mod": { context in try pair(try context.flag("fmod") ? .fmod : .mod, context) },
            "BitShift": { context in
                switch try context.string("direction") {
                case "LEFT": try pair(.shiftLeft, context)
                case "RIGHT": try pair(.shiftRight, context)
                case let other: throw context.unsupported("direction '\(other)'")
                }
            },
            "PRelu": parametricRelu,
        ]
        let plain: [Binary.Function] = [
            .add, .sub, .mul, .div, .pow, .equal, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .xor,
            .bitwiseAnd, .bitwiseOr, .bitwiseXor,
        ]
        for function in plain { all[function.rawValue] = { try pair(function, $0) } }
        return all
    }

    private static func pair(_ function: Binary.Function, _ context: NodeContext) throws -> [Graph.ValueID?] {
        let left = try context.input(0)
        var right = try context.input(1)
        if context.opset < 7 {
            context.ignore("consumed_inputs")
            // The right value's axes stand under the left one's from an axis on.
            let (rank, own) = (context.shape(left).rank, context.shape(right))
            if try context.flag("broadcast"), own.rank < rank {
                let axis = try context.int("axis").map { try context.axis($0, of: rank) } ?? rank - own.rank
                guard axis + own.rank <= rank else { throw context.invalid("axis \(axis) of \(context.shape(left))") }
                let behind = [Int](repeating: 1, count: rank - axis - own.rank)
                right = try context.reshape(right, own.dimensions + behind)
            } else {
                context.ignore("axis")
            }
        }
        if function == .pow, context.fact(left).elementType != context.fact(right).elementType,
            context.fact(left).elementType.isFloatingPoint
        {
            right = try context.cast(right, to: context.fact(left).elementType)
        }
        return [try context.add(Binary(function), left, right)]
    }

    private static func parametricRelu(_ context: NodeContext) throws -> [Graph.ValueID?] {
        context.ignore("consumed_inputs")
        let x = try context.input(0)
        var slope = try context.input(1)
        let (shape, own) = (context.shape(x), context.shape(slope))
        // Up to version 6 a vector is the channels'; later files have shapes that are broadcast.
        if own.rank == 1, shape.rank > 2, own[0] == shape[1], context.opset < 7 {
            slope = try context.reshape(slope, own.dimensions + [Int](repeating: 1, count: shape.rank - 2))
        }
        return [try context.add(Binary(.pRelu), x, slope)]
    }
}
