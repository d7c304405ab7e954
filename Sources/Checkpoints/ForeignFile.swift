// SPDX-License-Identifier: MIT

import Text

/// A file that people take for a checkpoint and that is something else: what it is, and what to do with it.
struct ForeignFile {
    let name: String
    let hint: String

    /// Nil where the beginning of the file tells nothing.
    init?(_ file: ByteRegion) {
        if let known = Self.signatures.first(where: {
            file.slice(at: $0.offset, count: $0.bytes.count)?.hasPrefix($0.bytes) == true
        }) {
            self.init(known.name, known.hint)
            return
        }
        let text = String(decoding: file.bytes.prefix(256), as: UTF8.self).drop { $0.isWhitespace }.asciiLowercased
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<?xml")
            || text.hasPrefix("<head")
        {
            self.init("a web page", "the download gave a page instead of the file; download the file itself")
        } else if text.hasPrefix("{"), file.bytes.prefix(4096).firstRange(of: Array("\"weight_map\"".utf8)) != nil {
            self.init("an index of shards", "give its folder, in which the shards must stand")
        } else if text.hasPrefix("{") || text.hasPrefix("[") {
            self.init("a JSON file", "the weights are in another file beside it")
        } else if Self.looksLikeONNX(file) {
            self.init("an ONNX file", "run it with 'swiftnet add NAME FILE'")
        } else {
            return nil
        }
    }

    private init(_ name: String, _ hint: String) {
        self.name = name
        self.hint = hint
    }

    /// Protocol buffers have no signature. A model of ONNX begins with its version, field 1, and a text: the producer, field
    /// 2, the version or the domain; or with the graph, field 7.
    private static func looksLikeONNX(_ file: ByteRegion) -> Bool {
        guard let version = file.integer(UInt8.self, at: 1), file.hasPrefix([0x08]), (1...30).contains(version) else {
            return false
        }
        guard let next = file.integer(UInt8.self, at: 2) else { return false }
        return [0x12, 0x1A, 0x22, 0x3A, 0x42].contains(next)
    }

    /// Refuses a zip that is known by the names in it.
    ///
    /// - Throws: `CheckpointError.unsupportedFormat`.
    static func refuse(_ zip: ZipArchive) throws {
        let names = zip.entries.map(\.name)
        if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npy") }) {
            throw CheckpointError.unsupportedFormat(
                name: "a NumPy archive (.npz)", hint: "save its arrays with safetensors.numpy.save_file")
        }
        if names.contains("model.weights.h5") || names.contains("config.json") && names.contains("metadata.json") {
            throw CheckpointError.unsupportedFormat(
                name: "a Keras model", hint: "convert it with tf2onnx, then 'swiftnet add'")
        }
    }

    private static let signatures: [(offset: Int, bytes: [UInt8], name: String, hint: String)] = [
        (0, Array("PYTORCH1".utf8), "PyTorch's preview archive of 2018", "load and save it with a current PyTorch"),
        (0, Array("BZh".utf8), "a bzip2 file", "unpack it with bunzip2 first"),
        (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz file", "unpack it with unxz first"),
        (0, [0x28, 0xB5, 0x2F, 0xFD], "a zstd file", "unpack it with unzstd first"),
        (0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive", "unpack it with '7z x' first"),
        (0, Array("Rar!".utf8), "a RAR archive", "unpack it with unrar first"),
        (0, [0x89, 0x48, 0x44, 0x46], "an HDF5 file, as Keras writes", "convert it with tf2onnx, then 'swiftnet add'"),
        (0, Array("GGUF".utf8), "a GGUF file", "take the safetensors that it was made from"),
        (0, Array("PK\u{5}\u{6}".utf8), "an empty zip archive", "the file holds nothing"),
        (
            0, Array("version https://git-lfs".utf8), "a Git LFS pointer",
            "it stands for a file: fetch that with 'git lfs pull'"
        ),
        (0, [0x93] + Array("NUMPY".utf8), "a NumPy array (.npy)", "save it with safetensors.numpy.save_file"),
        (4, Array("PTMF".utf8), "a PyTorch Mobile flatbuffer", "save the module with torch.jit.save or torch.save"),
        (4, Array("ET12".utf8), "an ExecuTorch program", "take the weights from the module that it was exported from"),
        (4, Array("TFL3".utf8), "a TensorFlow Lite model", "convert it with tf2onnx, then 'swiftnet add'"),
        (0, Array("%PDF".utf8), "a PDF document", "the weights are in another file"),
        (0, [0x89, 0x50, 0x4E, 0x47], "a PNG picture", "name the checkpoint instead"),
        (0, [0xFF, 0xD8, 0xFF], "a JPEG picture", "name the checkpoint instead"),
        (0, [0x7F, 0x45, 0x4C, 0x46], "a program or library", "name the checkpoint instead"),
    ]
}
