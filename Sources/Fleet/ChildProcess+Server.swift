// SPDX-License-Identifier: MIT

import SystemCalls

extension ChildProcess {
    /// Whether the process is a server of this program. The number may be another program's by now.
    var isServer: Bool {
        let file = try? FileDescriptor.open("/proc/\(id)/cmdline", FileDescriptor.readOnly)
        guard let bytes = try? file?.readAll(limit: 1 << 20) else { return false }
        let arguments = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let program = arguments.first?.split(separator: "/").last
        return program?.hasPrefix("swiftnet") == true && arguments.contains("serve")
    }
}
