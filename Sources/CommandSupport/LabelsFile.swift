// SPDX-License-Identifier: MIT

import SystemCalls

/// The names of a network's classes as people write them down: a line each, in the order of the network's numbers.
package enum LabelsFile {
    /// Reads the names; empty lines at the end are none.
    ///
    /// - Throws: An error of the system.
    package static func names(_ path: String) throws -> [String] {
        let bytes = try FileDescriptor.open(path, FileDescriptor.readOnly).readAll(limit: 4 << 20)
        var lines = String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).map(String.init)
        while lines.last == "" { lines.removeLast() }
        return lines
    }
}
