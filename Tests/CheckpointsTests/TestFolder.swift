// SPDX-License-Identifier: MIT

import Glibc

/// An empty folder for one test, gone with it.
final class TestFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/swiftnet-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, let made = mkdtemp(base) else {
                preconditionFailure("no temporary folder")
            }
            return String(cString: made)
        }
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// What lies in the folder.
    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Writes a file and answers its path.
    func write(_ name: String, _ bytes: [UInt8]) -> String {
        let file = "\(path)/\(name)"
        guard let stream = fopen(file, "wb") else { preconditionFailure("cannot write \(file)") }
        defer { fclose(stream) }
        guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { preconditionFailure("cannot write \(file)") }
        return file
    }
}

func environmentValue(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }
