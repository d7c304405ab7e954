// SPDX-License-Identifier: MIT

/// The names of an archive, each checked to be relative, plain, and unlike every other even without regard to case.
struct ArchiveNames {
    private let limits: CheckpointLimits
    private var seen: [String: String] = [:]

    init(limits: CheckpointLimits) {
        self.limits = limits
    }

    /// Takes one more name.
    ///
    /// - Throws: `CheckpointError.unsafeEntry`, `.clashingNames` or `.limitExceeded`.
    mutating func accept(_ bytes: ByteRegion) throws -> String {
        guard bytes.count <= limits.maxNameBytes else {
            throw CheckpointError.limitExceeded(limit: "maxNameBytes", maximum: limits.maxNameBytes)
        }
        guard let name = bytes.utf8 else {
            throw CheckpointError.unsafeEntry(
                name: String(decoding: bytes.bytes, as: UTF8.self), reason: "not valid UTF-8")
        }
        try Self.checkPath(name)
        // By Unicode's rules, so that no two names are one to any file system.
        if let first = seen.updateValue(name, forKey: name.lowercased()) {
            throw CheckpointError.clashingNames(first: first, second: name)
        }
        return name
    }

    /// The name can be accepted.
    static func isPlain(_ name: String) -> Bool { (try? checkPath(name)) != nil }

    private static func checkPath(_ name: String) throws {
        func refuse(_ reason: String) -> CheckpointError { .unsafeEntry(name: name, reason: reason) }
        if name.isEmpty { throw refuse("it has no name") }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { throw refuse("control characters in the name") }
        if name.utf8.contains(UInt8(ascii: "\\")) { throw refuse("a backslash in the name") }
        // By bytes: a slash with an accent on it is another character to Swift, but the same slash to a file system.
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if name.utf8.first == UInt8(ascii: "/") { throw refuse("an absolute path") }
        if parts.contains(where: { $0.elementsEqual("..".utf8) }) {
            throw refuse("it leaves the archive")
        }
    }
}
