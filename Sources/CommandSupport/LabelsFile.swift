// SPDX-License-Identifier: MIT

import SystemCalls
import Text

/// The names of a network's classes as people write them down: a line each, in the order of the network's numbers.
package enum LabelsFile {
    /// Reads the names; empty lines at the end are none.
    ///
    /// - Throws: An error of the system.
    package static func names(_ path: String) throws -> [String] {
        String.lines(of: try FileDescriptor.contents(of: path, limit: 4 << 20))
    }
}
