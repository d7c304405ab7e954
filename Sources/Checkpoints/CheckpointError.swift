// SPDX-License-Identifier: MIT

/// What can be wrong with a checkpoint file, or with a request about one.
///
/// Offsets are in bytes from the start of the container that `part` names.
public enum CheckpointError: Error, Equatable, Sendable {
    /// The first bytes belong to no format that this room reads.
    case unknownFormat(firstBytes: [UInt8])
    /// A format that is recognised and not read; `hint` says what the user can do.
    case unsupportedFormat(name: String, hint: String)
    /// The bytes end before a value does.
    case truncated(part: String, offset: Int, needed: Int, available: Int)
    /// A value contradicts the format.
    case malformed(part: String, offset: Int, reason: String)
    /// A named limit of ``CheckpointLimits`` was passed.
    case limitExceeded(limit: String, maximum: Int)
    /// Sizes whose product or sum does not fit an integer.
    case sizeOverflow(what: String)

    /// An archive holds one name twice, or twice but for upper and lower case.
    case clashingNames(first: String, second: String)
    /// Two entries of an archive share bytes.
    case overlappingEntries(first: String, second: String)
    /// The bytes of an archive entry do not have the checksum that the archive states.
    case checksumMismatch(entry: String, expected: UInt32, actual: UInt32)
    /// The two descriptions of one zip entry, before its data and in the directory, differ.
    case headerDisagreement(entry: String, field: String)
    /// An entry that is encrypted.
    case encryptedEntry(String)
    /// An entry whose name leaves the archive's folder, or that is a link.
    case unsafeEntry(name: String, reason: String)
    /// An archive without an entry that its format requires.
    case missingEntry(String)
    /// An index names files that are not there.
    case missingShards([String], index: String)
    /// An archive with several checkpoints, or none, where one is needed.
    case memberChoice(candidates: [String])

    /// An opcode that no pickle protocol defines, or that needs what a file cannot bring.
    case unsupportedOpcode(UInt8, offset: Int)
    /// A storage's bytes do not have the length that its tensors declare.
    case storageLength(key: String, expected: Int, actual: Int)
    /// A tensor that does not lie within its storage, or contradicts itself.
    case invalidTensor(name: String, reason: String)

    /// No tensors where weights are looked for.
    case noWeights(found: String)
    /// Several places hold weights, and none is preferred.
    case ambiguousWeights(candidates: [String])
    /// `key` leads nowhere; `available` are the names at the point where the path ends.
    case keyNotFound(key: String, available: [String])
    /// Weights that were read back differ from those that were written.
    case verificationFailed(name: String, reason: String)
}

extension CheckpointError: CustomStringConvertible {
    /// One sentence: what, where, and what was expected.
    public var description: String {
        switch self {
        case .unknownFormat(let bytes):
            let shown = bytes.prefix(8).map { hexadecimal($0) }.joined(separator: " ")
            if shown.isEmpty { return "not a checkpoint: the file is empty; download or save it again" }
            return "not a checkpoint: the file begins with \(shown), "
                + "which is no PyTorch, TorchScript, tar, gzip, pickle or safetensors file"
        case .unsupportedFormat(let name, let hint): return "\(name) is not read; \(hint)"
        case .truncated(let part, let offset, let needed, let available):
            return "\(part) is cut short: \(needed) bytes needed at offset \(offset), \(available) left"
        case .malformed(let part, let offset, let reason): return "\(part), offset \(offset): \(reason)"
        case .limitExceeded(let limit, let maximum):
            // Limits that can be set have no spaces in their names.
            let hint = limit.contains(" ") ? "" : "; '--limit \(limit)=N' raises it, if you trust the file"
            return "the file passes the limit \(limit) = \(maximum)\(hint)"
        case .sizeOverflow(let what): return "\(what): the sizes overflow"
        case .clashingNames(let first, let second):
            return first == second
                ? "the name '\(first)' occurs twice" : "the names '\(first)' and '\(second)' differ by case only"
        case .overlappingEntries(let first, let second): return "the entries '\(first)' and '\(second)' share bytes"
        case .checksumMismatch(let entry, let expected, let actual):
            return
                "'\(entry)' is damaged: its CRC-32 is \(hexadecimal(actual)), the archive states \(hexadecimal(expected))"
        case .headerDisagreement(let entry, let field):
            return "'\(entry)': the header before the data and the archive's directory disagree about the \(field)"
        case .encryptedEntry(let name): return "'\(name)' is encrypted"
        case .unsafeEntry(let name, let reason): return "'\(name)' is refused: \(reason)"
        case .missingEntry(let name): return "the archive has no '\(name)'"
        case .missingShards(let names, let index):
            let shown = names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", ..." : "")
            return "\(index) names \(names.count) files that are not in the folder: \(shown); download them too"
        case .memberChoice(let candidates):
            return candidates.isEmpty
                ? "the archive contains no checkpoint"
                : "the archive contains several checkpoints: \(candidates.joined(separator: ", ")); name one with --member"
        case .unsupportedOpcode(let opcode, let offset):
            return "pickle, offset \(offset): opcode \(hexadecimal(opcode)) is not supported"
        case .storageLength(let key, let expected, let actual):
            return "storage '\(key)' has \(actual) bytes, its tensors need \(expected)"
        case .invalidTensor(let name, let reason): return "tensor '\(name)': \(reason)"
        case .noWeights(let found): return "no weights found: \(found)"
        case .ambiguousWeights(let candidates):
            return "several places hold weights: \(candidates.map { $0.isEmpty ? "''" : $0 }.joined(separator: ", ")); "
                + "choose one with --key, or write all with --all"
        case .keyNotFound(let key, let available):
            let names = available.isEmpty ? "nothing" : available.prefix(12).joined(separator: ", ")
            return "no '\(key)' in the file; there is \(names)\(available.count > 12 ? ", ..." : "")"
        case .verificationFailed(let name, let reason): return "the written file differs in '\(name)': \(reason)"
        }
    }

    private func hexadecimal(_ value: some FixedWidthInteger & UnsignedInteger) -> String {
        let digits = String(value, radix: 16)
        return "0x" + String(repeating: "0", count: max(0, value.bitWidth / 4 - digits.count)) + digits
    }
}
