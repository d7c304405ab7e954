// SPDX-License-Identifier: MIT

/// How the last panel of a packed matrix holds its columns.
public enum LastPanel: Sendable {
    /// As all panels do: each vector a depth, padded by zeros.
    case padded
    /// Each vector two depths: of column 0 at the first and at the second, of column 1 at both, and so on. Half the work, where
    /// at most half of a panel is left and the depth is even.
    case paired
}

extension KernelTable {
    /// The better way to hold the last of `n` columns of depth `k`, for products of many rows.
    public func lastPanel(_ n: Int, _ k: Int) -> LastPanel {
        let columns = n % panelWidth
        return columns > 0 && columns <= panelWidth / 2 && k % 2 == 0 ? .paired : .padded
    }
}
