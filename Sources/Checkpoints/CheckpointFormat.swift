// SPDX-License-Identifier: MIT

/// The kinds of files that hold weights.
public enum CheckpointFormat: String, Sendable, CaseIterable {
    /// PyTorch's zip archive, written by default since 1.6.
    case torchZip = "PyTorch zip"
    /// A zip archive that also holds a program.
    case torchScript = "TorchScript"
    /// A program of `torch.export`, with its weights.
    case export = "PyTorch export"
    /// PyTorch's stream of pickles and storages, 0.1.10 to 1.5.
    case torchLegacy = "PyTorch legacy stream"
    /// PyTorch's first format, a tar, before 0.1.10.
    case torchTar = "PyTorch tar"
    /// A state dict written by Python's `pickle.dump`.
    case pickle = "pickle"
    /// Tensors behind a JSON header.
    case safetensors = "safetensors"
    /// A folder of files, each with some of the weights, and the index that says which.
    case sharded = "shards"
}

/// What a file is by its first bytes: its name is never asked.
enum FileSignature: Equatable {
    case zip
    case legacyStream
    case pickle
    case safetensors
    case tar
    case gzip

    /// - Parameter isWhole: The bytes are all of the file, not its beginning.
    /// - Throws: `CheckpointError.unknownFormat`, or `.unsupportedFormat` for what is known and not read.
    init(of file: ByteRegion, isWhole: Bool = true) throws {
        if file.hasPrefix([0x50, 0x4B, 0x03, 0x04]) {
            self = .zip
        } else if LegacyStream.isRecognised(file) {
            self = .legacyStream
        } else if file.hasPrefix([0x1F, 0x8B]) {
            self = .gzip
        } else if TarArchive.isRecognised(file) {
            self = .tar
        } else if SafetensorsFile.isRecognised(file) {
            self = .safetensors
        } else if let foreign = ForeignFile(file) {
            throw CheckpointError.unsupportedFormat(name: foreign.name, hint: foreign.hint)
        } else if Self.looksLikePickle(file, isWhole: isWhole) {
            self = .pickle
        } else {
            throw CheckpointError.unknownFormat(firstBytes: Array(file.bytes.prefix(16)))
        }
    }

    /// Protocol 2 and up begin with PROTO. Protocols 0 and 1 have no signature: they end with STOP, and a state dict begins
    /// with a mark, an empty dict or a global.
    private static func looksLikePickle(_ file: ByteRegion, isWhole: Bool) -> Bool {
        if let version = file.integer(UInt8.self, at: 1), file.hasPrefix([0x80]) { return (2...5).contains(version) }
        guard isWhole, let first = file.bytes.first, file.bytes.last == UInt8(ascii: ".") else { return false }
        return [UInt8(ascii: "("), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "c")].contains(first)
    }
}
