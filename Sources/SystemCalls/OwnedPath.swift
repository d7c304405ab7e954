// SPDX-License-Identifier: MIT

import Glibc

/// A file or socket that this process has put into the file system. If something else has taken its name since, that stays.
package struct OwnedPath: Sendable {
    /// Its name.
    package let path: String
    private let identity: Identity

    private struct Identity: Equatable {
        let device: dev_t
        let number: ino_t
        // Numbers are used again; a number with its time is not.
        let seconds: Int
        let nanoseconds: Int
    }

    /// Takes note of what has just been made; nil if it is not there.
    package init?(_ path: String) {
        guard let identity = Self.identity(path) else { return nil }
        self.path = path
        self.identity = identity
    }

    private static func identity(_ path: String) -> Identity? {
        var status = stat()
        guard lstat(PathText.cString(path), &status) == 0 else { return nil }
        return Identity(
            device: status.st_dev, number: status.st_ino, seconds: status.st_ctim.tv_sec,
            nanoseconds: status.st_ctim.tv_nsec)
    }

    /// Removes it, if it is still the same.
    package func remove() {
        if Self.identity(path) == identity { unlink(PathText.cString(path)) }
    }
}
