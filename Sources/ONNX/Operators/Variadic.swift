// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// Functions of any number of values.
    static var variadic: [String: Translator] {
        [
            "Sum": { [try chain(.add, $0)] },
            "Min": { [try chain(.min, $0)] },
            "Max": { [try chain(.max, $0)] },
            "Mean": { context in
                let sum = try chain(.add, context)
                let count = try context.constant(Double(context.inputCount), like: sum)
                return [try context.add(Binary(.div), sum, count)]
            },
            "Where": { context in
                [try context.add(Where(), context.input(0), context.input(1), context.input(2))]
            },
        ]
    }

    private static func chain(_ function: Binary.Function, _ context: NodeContext) throws -> Graph.ValueID {
        context.ignore("consumed_inputs")
        var result = try context.input(0)
        for index in 1..<max(context.inputCount, 1) {
            result = try context.add(Binary(function), result, context.input(index))
        }
        return result
    }
}
