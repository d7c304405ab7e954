// SPDX-License-Identifier: MIT

import Text

/// An entry of an archive that is passed over, because it is none of the checkpoint's: reading it is never needed.
struct ArchiveBystander: Sendable {
    let name: String
    /// What refuses the archive where the entry is one that its format needs.
    let fault: CheckpointError
}

/// The names of an archive, each checked to be relative, plain, and unlike every other.
struct ArchiveNames {
    private let limits: CheckpointLimits
    private var seen: [String: String] = [:]
    private var exact: Set<String> = []

    init(limits: CheckpointLimits) {
        self.limits = limits
    }

    /// Takes one more name. Links, and names that differ from one before by case only, come with their fault.
    ///
    /// - Throws: `CheckpointError.unsafeEntry`, `.clashingNames` or `.limitExceeded`.
    mutating func accept(_ bytes: ByteRegion, isLink: Bool) throws -> (name: String, fault: ArchiveBystander?) {
        guard bytes.count <= limits.maxNameBytes else {
            throw CheckpointError.limitExceeded(limit: "maxNameBytes", maximum: limits.maxNameBytes)
        }
        guard let name = bytes.utf8 else {
            throw CheckpointError.unsafeEntry(
                name: String(decoding: bytes.bytes, as: UTF8.self), reason: "not valid UTF-8")
        }
        try Self.checkPath(name)
        // By Unicode's rules, so that no two names are one to any file system.
        func bystander(_ fault: CheckpointError) -> (String, ArchiveBystander) {
            (name, ArchiveBystander(name: name, fault: fault))
        }
        guard exact.insert(name).inserted else { throw CheckpointError.clashingNames(first: name, second: name) }
        if isLink { return bystander(.unsafeEntry(name: name, reason: "it is a link or a device")) }
        if let first = seen.updateValue(name, forKey: name.lowercased()) {
            return bystander(.clashingNames(first: first, second: name))
        }
        return (name, nil)
    }

    /// The name can be accepted.
    static func isPlain(_ name: String) -> Bool { (try? checkPath(name)) != nil }

    private static func checkPath(_ name: String) throws {
        func refuse(_ reason: String) -> CheckpointError { .unsafeEntry(name: name, reason: reason) }
        if name.isEmpty { throw refuse("it has no name") }
        if name.utf8.contains(where: ASCII.isControl) { throw refuse("control characters in the name") }
        if name.utf8.contains(UInt8(ascii: "\\")) { throw refuse("a backslash in the name") }
        // By bytes: a slash with an accent on it is another character to Swift, but the same slash to a file system.
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if name.utf8.first == UInt8(ascii: "/") { throw refuse("an absolute path") }
        if parts.contains(where: { $0.elementsEqual("..".utf8) }) {
            throw refuse("it leaves the archive")
        }
    }
}
