// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// SiLU and Mish where a file spells them: x * sigmoid(x), x * tanh(softplus(x)).
struct RecogniseSiLU: ProductPass {
    let name = "RecogniseSiLU"

    func function(
        _ scale: Double, _ values: [Graph.ValueID], _ patterns: Patterns
    ) -> (function: Unary.Function, operand: Graph.ValueID)? {
        guard values.count == 2, scale == 1 else { return nil }
        for (x, gate) in [(values[0], values[1]), (values[1], values[0])] {
            if patterns.operand(of: gate, where: { $0 == .sigmoid }) == x { return (.silu, x) }
            if let inner = patterns.operand(of: gate, where: { $0 == .tanh }),
                patterns.operand(of: inner, where: { $0 == .softplus(beta: 1, threshold: .infinity) }) == x
            {
                return (.mish, x)
            }
        }
        return nil
    }
}
