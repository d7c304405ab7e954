// SPDX-License-Identifier: MIT

import Glibc

/// The variables that whoever started this process gave it.
package enum Environment {
    /// The value of a variable; nil if it is not set.
    package static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// All of them, as `NAME=value`.
    package static var all: [String] {
        var list: [String] = []
        var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let entry = next.pointee {
            list.append(String(cString: entry))
            next += 1
        }
        return list
    }

    /// Takes a variable away, so that programs started from here do not see it.
    package static func remove(_ name: String) {
        unsetenv(name)
    }
}
