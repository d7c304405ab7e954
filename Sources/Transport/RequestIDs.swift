// SPDX-License-Identifier: MIT

import HTTP
import Text

/// Names for requests, so that a client's and the server's logs can be put side by side.
struct RequestIDs {
    private let prefix: String
    private var count: UInt64 = 0

    init() {
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        prefix = String(repeating: "0", count: 16 - random.count) + random
    }

    /// A new name.
    mutating func next() -> String {
        count += 1
        return "\(prefix)-\(count)"
    }

    /// The name that the client gave, if it is short and plain, or a new one.
    mutating func id(for head: RequestHead) -> String {
        guard let given = head.headers["x-request-id"], (1...128).contains(given.utf8.count),
            given.utf8.allSatisfy({ ASCII.isVisible($0) && $0 != ASCII.quote && $0 != ASCII.backslash })
        else { return next() }
        return given.string
    }
}
