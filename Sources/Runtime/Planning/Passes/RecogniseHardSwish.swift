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

    /// x of clip(x + 3, 0, 6), whose bounds decomposed programs set one by one.
    private func clipped(_ value: Graph.ValueID, _ patterns: Patterns) -> Graph.ValueID? {
        var (value, low, high) = (value, -Double.infinity, Double.infinity)
        while let node = patterns.node(value), let unary = node.op as? Unary {
            switch unary.function {
            case .relu: low = max(low, 0)
            case .clip(let min, let max): (low, high) = (Swift.max(low, min), Swift.min(high, max))
            default: return nil
            }
            value = node.inputs[0]
        }
        return low == 0 && high == 6 ? patterns.addend(of: value, plus: 3) : nil
    }

    private func isHardSigmoid(_ function: Unary.Function) -> Bool {
        guard case .hardSigmoid(let alpha, let beta) = function else { return false }
        return isClose(alpha, 1.0 / 6) && isClose(beta, 0.5)
    }
}
