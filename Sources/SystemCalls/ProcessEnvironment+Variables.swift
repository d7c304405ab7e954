// SPDX-License-Identifier: MIT

import Glibc

extension ProcessEnvironment {
    /// All variables, as `NAME=value`.
    package static var variables: [String] {
        var list: [String] = []
        var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let entry = next.pointee {
            list.append(String(cString: entry))
            next += 1
        }
        return list
    }
}
