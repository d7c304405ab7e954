// SPDX-License-Identifier: MIT

/// The kinds of files that hold weights.
public enum CheckpointFormat: String, Sendable, CaseIterable {
    /// PyTorch's zip archive, written by default since 1.6.
    case torchZip = "PyTorch zip"
    /// A zip archive that also holds a program.
    case torchScript = "TorchScript"
    /// PyTorch's stream of pickles and storages, 0.1.10 to 1.5.
    case torchLegacy = "PyTorch legacy stream"
    /// PyTorch's first format, a tar, before 0.1.10.
    case torchTar = "PyTorch tar"
    /// A state dict written by Python's `pickle.dump`.
    case pickle = "pickle"
    /// Tensors behind a JSON header.
    case safetensors = "safetensors"
}

/// What a file is by its first bytes: its name is never asked.
enum FileSignature: Equatable {
    case zip
    case legacyStream
    case pickle
    case safetensors
    case tar
    case gzip

    /// - Throws: `CheckpointError.unknownFormat`, or `.unsupportedFormat` for what is known and not read.
    init(of file: ByteRegion) throws {
        if let name = Self.unreadable.first(where: { file.hasPrefix($0.signature) }) {
            throw CheckpointError.unsupportedFormat(name: name.name, hint: name.hint)
        }
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
        } else if Self.looksLikePickle(file) {
            self = .pickle
        } else {
            throw CheckpointError.unknownFormat(firstBytes: Array(file.bytes.prefix(16)))
        }
    }

    private static let unreadable: [(signature: [UInt8], name: String, hint: String)] = [
        (Array("PYTORCH1".utf8), "PyTorch's preview archive of 2018", "load and save it with a current PyTorch"),
        (Array("BZh".utf8), "a bzip2 file", "unpack it with bunzip2 first"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz file", "unpack it with unxz first"),
        ([0x28, 0xB5, 0x2F, 0xFD], "a zstd file", "unpack it with unzstd first"),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file", "convert it to safetensors"),
        (Array("GGUF".utf8), "a GGUF file", "convert it to safetensors"),
        (Array("PK\u{5}\u{6}".utf8), "an empty zip archive", "the file holds nothing"),
    ]

    /// Protocol 2 and up begin with PROTO. Protocols 0 and 1 have no signature: they end with STOP, and a state dict begins
    /// with a mark, an empty dict or a global.
    private static func looksLikePickle(_ file: ByteRegion) -> Bool {
        if let version = file.integer(UInt8.self, at: 1), file.hasPrefix([0x80]) { return (2...5).contains(version) }
        guard let first = file.bytes.first, file.bytes.last == UInt8(ascii: ".") else { return false }
        return [UInt8(ascii: "("), UInt8(ascii: "}"), UInt8(ascii: "c")].contains(first)
    }
}
