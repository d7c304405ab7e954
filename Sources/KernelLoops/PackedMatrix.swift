// SPDX-License-Identifier: MIT

import KernelInterface

/// Columns in a panel of a packed matrix: two vectors.
@_transparent var panelWidth: Int { 2 &* lanes }

/// Floats of a packed matrix of `n` columns and depth `k`: whole panels.
func packedCount(_ n: Int, _ k: Int) -> Int { (n &+ panelWidth &- 1) / panelWidth &* panelWidth &* k }

/// packed [panels, k, panelWidth] from weight [n, k]; columns beyond n are zeros.
func pack(_ packed: Output, _ weight: Input, _ n: Int, _ k: Int) {
    var target = packed
    var first = 0
    while first < n {
        let count = min(panelWidth, n &- first)
        for depth in 0..<k {
            for column in 0..<panelWidth {
                target[column] = column < count ? weight[(first &+ column) &* k &+ depth] : 0
            }
            target += panelWidth
        }
        first &+= panelWidth
    }
}
