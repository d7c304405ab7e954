// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ForeignOperators {
    /// What chooses between graphs.
    static var control: [String: Translator] {
        [
            "If": { context in
                guard let condition = try context.integers(0, "the condition")?.first else {
                    throw context.invalid("the condition is missing")
                }
                let branches = (try context.graph("then_branch"), try context.graph("else_branch"))
                return try context.importer.inline(condition != 0 ? branches.0 : branches.1)
            }
        ]
    }
}
