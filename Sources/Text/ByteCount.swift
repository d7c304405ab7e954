// SPDX-License-Identifier: MIT

/// Numbers of bytes, for people.
package enum ByteCount {
    /// For example "16.3 MB".
    package static func text(_ count: Int) -> String {
        let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")]
        for (size, unit) in units where abs(count) >= size {
            let tenths = (count + (count < 0 ? -1 : 1) * size / 20) / (size / 10)
            return "\(tenths / 10).\(abs(tenths % 10)) \(unit)"
        }
        return "\(count) bytes"
    }
}
