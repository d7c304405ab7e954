// SPDX-License-Identifier: MIT

/// Rows of text in columns as wide as their widest cell; the first row is the head.
package struct Table: CustomStringConvertible {
    private let rows: [[String]]

    /// - Parameter rows: The head, then the others.
    package init(_ rows: [[String]]) {
        self.rows = rows
    }

    /// The lines.
    package var description: String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}
