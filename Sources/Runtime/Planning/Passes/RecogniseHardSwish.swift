// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// Hard sigmoid and hard swish where a file spells them: clip(x + 3, 0, 6) / 6, and x times it.
struct RecogniseHardSwish: ProductPass {
    let name = "RecogniseHardSwish"

    func function(
        _ scale: Double, _ values: [Graph.ValueID], _ patterns: Patterns
    ) -> (function: Unary.Function, operand: Graph.ValueID)? {
        if values.count == 1, isClose(scale, 1.0 / 6), let x = clipped(values[0], patterns) {
            return (.hardSigmoid(alpha: 1.0 / 6, beta: 0.5), x)
        }
        guard values.count == 2 else { return nil }
        for (x, gate) in [(values[0], values[1]), (values[1], values[0])] {
            if isClose(scale, 1.0 / 6), clipped(gate, patterns) == x { return (.hardSwish, x) }
            if scale == 1, patterns.operand(of: gate, where: isHardSigmoid) == x { return (.hardSwish, x) }
        }
        return nil
    }

    /// x of clip(x + 3, 0, 6).
    private func clipped(_ value: Graph.ValueID, _ patterns: Patterns) -> Graph.ValueID? {
        patterns.operand(of: value, where: { $0 == .clip(min: 0, max: 6) }).flatMap { patterns.addend(of: $0, plus: 3) }
    }

    private func isHardSigmoid(_ function: Unary.Function) -> Bool {
        guard case .hardSigmoid(let alpha, let beta) = function else { return false }
        return isClose(alpha, 1.0 / 6) && isClose(beta, 0.5)
    }
}
