// SPDX-License-Identifier: MIT

/// Shares of one, for people.
package enum Percent {
    /// "97.3 %".
    package static func text(_ share: Float) -> String {
        let tenths = Int((share * 1000).rounded())
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
