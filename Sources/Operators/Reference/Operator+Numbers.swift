// SPDX-License-Identifier: MIT

import Graphs
import Tensors

extension Operator {
    /// Indices into an axis, negative ones counted from its end.
    ///
    /// - Throws: `GraphError.invalidInput` for one beyond the axis.
    func indices(_ values: [Int], below size: Int) throws -> [Int] {
        try values.map { index in
            guard (-size..<size).contains(index) else { throw fault("index \(index) of an axis of \(size)") }
            return index < 0 ? index + size : index
        }
    }

    /// Each stretch of so many elements brought to mean 0 and variance 1.
    func normalized(_ values: [Double], rows count: Int, epsilon: Double) -> [Double] {
        var values = values
        for start in stride(from: 0, to: values.count, by: max(count, 1)) {
            // A slice that is still there would have all values copied when they change.
            let row = start..<(start + count)
            let mean = row.reduce(0) { $0 + values[$1] } / Double(count)
            let variance = row.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / Double(count)
            let factor = 1 / (variance + epsilon).squareRoot()
            for index in row { values[index] = (values[index] - mean) * factor }
        }
        return values
    }
}
