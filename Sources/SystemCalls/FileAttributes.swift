// SPDX-License-Identifier: MIT

import CLinux
import Glibc

/// What a file system keeps of a file beside its bytes: owner, permissions, times, extended attributes (among them access
/// control lists). For a file that takes another's place, or is made of it.
package struct FileAttributes: Sendable {
    private let owner: uid_t
    private let group: gid_t
    private let mode: mode_t
    private let times: [timespec]
    private let extended: [(name: [CChar], value: [UInt8])]
    /// Most bytes of one attribute, as the kernel has it.
    private static let maxBytes = 1 << 16

    /// Reads a file's attributes.
    ///
    /// - Throws: ``SystemError``.
    package init(of descriptor: FileDescriptor) throws(SystemError) {
        var status = stat()
        try retryingInterrupts("fstat") { fstat(descriptor.rawValue, &status) }
        owner = status.st_uid
        group = status.st_gid
        mode = status.st_mode & 0o777
        times = [status.st_atim, status.st_mtim]
        extended = Self.extended(descriptor.rawValue)
    }

    /// Gives a file these attributes, as far as the process and the file system can.
    ///
    /// Permissions never grow: where the group can't be kept, its members get what everyone gets. What is lacking in rights or
    /// in the file system is passed over.
    package func apply(to descriptor: FileDescriptor) {
        let file = descriptor.rawValue
        let keepsOwner = fchown(file, owner, group) == 0
        let keepsGroup = keepsOwner || fchown(file, uid_t.max, group) == 0
        for attribute in extended {
            _ = fsetxattr(file, attribute.name, attribute.value, attribute.value.count, 0)
        }
        let others = mode & 0o007
        _ = fchmod(file, keepsGroup ? mode : mode & (0o707 | others << 3))
        _ = futimens(file, times)
    }

    private static func extended(_ file: Int32) -> [(name: [CChar], value: [UInt8])] {
        var names = [CChar](repeating: 0, count: maxBytes)
        let length = flistxattr(file, &names, names.count)
        guard length > 0 else { return [] }
        return names[..<length].split(separator: 0).compactMap { name in
            let name = Array(name) + [0]
            var value = [UInt8](repeating: 0, count: maxBytes)
            let count = fgetxattr(file, name, &value, value.count)
            return count < 0 ? nil : (name, Array(value[..<count]))
        }
    }
}
