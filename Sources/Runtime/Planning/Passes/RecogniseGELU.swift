// SPDX-License-Identifier: MIT

import Graphs
import Operators

/// GELU where a file spells it: 0.5 * x * (1 + erf(x / √2)), or with tanh(√(2/π) * (x + 0.044715 * x³)) in erf's place.
struct RecogniseGELU: ProductPass {
    let name = "RecogniseGELU"

    func function(
        _ scale: Double, _ values: [Graph.ValueID], _ patterns: Patterns
    ) -> (function: Unary.Function, operand: Graph.ValueID)? {
        guard values.count == 2, isClose(scale, 0.5) else { return nil }
        for (x, other) in [(values[0], values[1]), (values[1], values[0])] {
            guard let inner = patterns.addend(of: other, plus: 1) else { continue }
            if let argument = patterns.operand(of: inner, where: { $0 == .erf }) {
                let (factor, rest) = patterns.factors(of: argument)
                if isClose(factor, 0.5.squareRoot()), rest == [x] { return (.gelu(tanhApproximation: false), x) }
            }
            if let argument = patterns.operand(of: inner, where: { $0 == .tanh }), isCubic(argument, x, patterns) {
                return (.gelu(tanhApproximation: true), x)
            }
        }
        return nil
    }

    /// √(2/π) * (x + 0.044715 * x³).
    private func isCubic(_ value: Graph.ValueID, _ x: Graph.ValueID, _ patterns: Patterns) -> Bool {
        let (factor, rest) = patterns.factors(of: value)
        guard isClose(factor, (2 / Double.pi).squareRoot()), rest.count == 1,
            let (left, right) = patterns.operands(of: rest[0], .add), left == x || right == x
        else { return false }
        let (inner, powers) = patterns.factors(of: left == x ? right : left)
        guard isClose(inner, 0.044715) else { return false }
        if powers == [x, x, x] { return true }
        guard powers.count == 1, let (base, exponent) = patterns.operands(of: powers[0], .pow) else { return false }
        return base == x && patterns.isScalar(exponent, 3)
    }
}
