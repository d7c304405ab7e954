// SPDX-License-Identifier: MIT

import Checkpoints
import SystemCalls
import Tensors
import TestSupport
import Testing

private typealias P = PickleBuilder

/// Containers and contents beyond a plain state dict: what is taken, what is said of the rest.
@Suite("Containers")
struct ContainerTests {
    private func open(_ name: String, _ selection: WeightsSelection = WeightsSelection()) throws -> CheckpointContents {
        try CheckpointContents.open(
            path: "\(goldensFolder())/\(name)", limits: CheckpointLimits(), selection: selection)
    }

    @Test("quantised tensors become what Tensor.dequantize gives, when asked; otherwise they are not taken")
    func dequantises() throws {
        let plain = try open("quantised.pth")
        #expect(plain.weights.isEmpty)
        #expect(plain.summary.unsupported.map(\.name) == ["per_tensor", "unsigned", "wide", "per_channel"])
        #expect(plain.summary.weightBytes == 0)
        let weights = try Checkpoint(open("quantised.pth", WeightsSelection(dequantises: true))).stateDict
        for expected in GoldenCheckpoint(name: "quantised-as-floats").tensors {
            let tensor = try #require(weights.tensor(named: expected.name))
            #expect(tensor.shape.dimensions == expected.sizes)
            let floats = expected.bytes.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: Float.self) }
            }
            // PyTorch multiplies and adds in one rounding on some processors, and in two on others.
            #expect(
                zip(tensor.floats(), floats).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) }, "\(expected.name)")
        }
    }

    @Test("types that SwiftNet has no tensors of go through unchanged", arguments: WeightsWriter.Format.allCases)
    func unusualTypes(format: WeightsWriter.Format) throws {
        let folder = try TemporaryFolder()
        for name in ["writer-types.pth", "writer-types.safetensors"] {
            var source = try open(name)
            source.keepOnly(whatFits: format)
            #expect(source.summary.unsupported.isEmpty)
            let output = folder.path("writer-types.\(format.rawValue)")
            let options = WeightsWriter.Options(format: format)
            _ = try WeightsWriter.write(source, to: output, existing: .replace, options: options)
            try WeightsVerifier.verify(output, against: source, options: options, limits: CheckpointLimits())
            if format == .safetensors {
                #expect(readFile(output) == readFile("\(goldensFolder())/writer-types.safetensors"))
            } else if name.hasSuffix(".pth") {
                // All but the digits that PyTorch takes from the order of a hash table.
                let (ours, theirs) = (
                    try #require(readFile(output)), try #require(readFile("\(goldensFolder())/\(name)"))
                )
                #expect(ours.count == theirs.count)
                #expect(zip(ours, theirs).filter { $0 != $1 }.count <= 20 + 12)
            }
        }
    }

    @Test(
        "a program's archive gives weights by name, and its members as bytes",
        arguments: ["export", "built-export-2.7", "built-export-2.8"])
    func exportArchive(name: String) throws {
        let archive = try ExportArchive.open(path: "\(goldensFolder())/\(name).pt2")
        #expect(archive.models == ["model"])
        let weights = try archive.stateDict(of: "model")
        #expect(weights.names == GoldenCheckpoint(name: name).tensors.map(\.name))
        #expect(try archive.program("model").hasPrefix([UInt8(ascii: "{")]))
        #expect(try archive.stateDict(.constants, of: "model").count == 0)
        #expect(try archive.member("no/such/member") == nil)
    }

    @Test(
        "a program whose list of weights lies is refused",
        arguments: [
            (#""as_int": 3"#, #""as_int": 4"#),
            (#""storage_offset": {"as_int": 0}"#, #""storage_offset": {"as_int": 9}"#),
            (#""dtype": 7"#, #""dtype": 5"#), (#""path_name": "weight_0""#, #""path_name": "weight_7""#),
            (#""as_int": 3"#, #""as_expr": 3"#), (#""config""#, #""other""#),
        ] as [(String, String)])
    func lyingExport(old: String, new: String) throws {
        let list =
            #"{"config": {"w": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta": {"dtype": 7, "sizes": [{"as_int": 3}], "strides": [{"as_int": 1}], "storage_offset": {"as_int": 0}}}}}"#
        func file(_ list: String) -> [UInt8] {
            ZipBuilder(entries: [
                ZipBuilder.Entry(name: "n/archive_format", data: Array("pt2".utf8)),
                ZipBuilder.Entry(name: "n/models/model.json", data: Array("{}".utf8)),
                ZipBuilder.Entry(name: "n/data/weights/weight_0", data: [UInt8](repeating: 1, count: 12)),
                ZipBuilder.Entry(name: "n/data/weights/model_weights_config.json", data: Array(list.utf8)),
            ]).build()
        }
        #expect(try Checkpoint.read(file(list)).stateDict.names == ["w"])
        #expect(refusal(file(list.replacing(old, with: new))) != nil)
    }

    @Test("shards that are missing, and weights that are not where the index says, are named")
    func shards() throws {
        let folder = try TemporaryFolder()
        let source = "\(goldensFolder())/shards-safetensors.folder"
        for name in fileNames(in: source) {
            try folder.write(try #require(readFile("\(source)/\(name)")), to: "s/\(name)")
        }
        let path = folder.path("s")
        #expect(try Checkpoint.open(path: path).format == .sharded)
        let first = "model-00001-of-00002.safetensors"
        let second = "model-00002-of-00002.safetensors"
        try folder.write(try #require(readFile("\(source)/\(first)")), to: "s/\(second)")
        #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
        try FileSystem.removeFile(folder.path("s/\(second)"))
        #expect(throws: CheckpointError.missingShards([second], index: "model.safetensors.index.json")) {
            try Checkpoint.open(path: path)
        }
        for shard in ["../x", "/etc/passwd", "a/b"] {
            try folder.write(Array(#"{"weight_map": {"w": "\#(shard)"}}"#.utf8), to: "t/model.safetensors.index.json")
            #expect(throws: CheckpointError.self) { try Checkpoint.open(path: folder.path("t")) }
        }
    }

    @Test(
        "files that are something else are named, with what to do",
        arguments: [
            ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
            ("<!DOCTYPE html><html>", "download"),
            (#"{"weight_map": {"a": "b"}}"#, "folder"), ("\u{8}\u{7}\u{12}\u{7}pytorch", "swiftnet add"),
            ("7z", "7z x"),
            ("NUMPY", "safetensors"), ("PTMF", "torch.jit.save"), ("ET12", "module"), ("GGUF", "safetensors"),
            ("", "empty"),
        ])
    func namesWrongFiles(text: String, hint: String) {
        let prefixes: [String: [UInt8]] = [
            "7z": Array("7z".utf8) + [0xBC, 0xAF, 0x27, 0x1C], "NUMPY": [0x93] + Array("NUMPY".utf8),
            "PTMF": [0x2C, 0, 0, 0] + Array("PTMF".utf8), "ET12": [0x2C, 0, 0, 0] + Array("ET12".utf8),
        ]
        let message = refusal(
            (prefixes[text] ?? Array(text.utf8)) + (text.isEmpty ? [] : [UInt8](repeating: 0x20, count: 40)))
        #expect(message?.description.contains(hint) == true, "\(message?.description ?? "accepted")")
    }

    @Test("folders and archives that are something else are named, with what to do")
    func namesWrongFolders() throws {
        let folder = try TemporaryFolder()
        for (file, hint) in [
            ("saved_model.pb", "tf2onnx"), ("data.pkl", "zip -0 -r"), ("README.md", "name the checkpoint"),
        ] {
            try folder.write([1, 2, 3], to: "\(hint.count)/\(file)")
            do {
                _ = try Checkpoint.open(path: folder.path("\(hint.count)"))
                Issue.record("a folder with \(file) was accepted")
            } catch {
                #expect("\(error)".contains(hint), "\(error)")
            }
        }
        func zip(_ names: [String]) -> [UInt8] {
            ZipBuilder(entries: names.map { ZipBuilder.Entry(name: $0, data: [1, 2, 3]) }).build()
        }
        for (names, hint) in [
            (["a.npy", "b.npy"], "safetensors.numpy"),
            (["config.json", "metadata.json", "model.weights.h5"], "tf2onnx"),
        ] {
            #expect(refusal(zip(names))?.description.contains(hint) == true, "\(names)")
        }
    }

    @Test("long plain data beside the weights is not kept, whatever it is, and the weights are")
    func discardsPlainData() throws {
        func batches(_ open: [UInt8], _ close: UInt8, _ item: (Int) -> [UInt8]) -> [UInt8] {
            (0..<20).reduce(open) { bytes, batch in
                bytes + [0x28] + (0..<1000).flatMap { item(batch * 1000 + $0) } + [close]
            }
        }
        func number(_ value: Int) -> [UInt8] { [0x4A] + le(UInt32(value)) }
        let list = batches([0x5D], 0x65) { number($0) }
        // Tuples that are remembered, and dicts of words.
        let tuples = batches([0x5D], 0x65) { number($0) + number($0) + [0x86, 0x72] + le(UInt32($0)) }
        let words = batches([0x7D], 0x75) { P.text("w\($0)") + number($0) }
        for plain in [list, tuples, words] {
            let pickle = P.file(P.dictionary([("before", P.tensor()), ("plain", plain), ("epoch", number(7))]))
            let graph = try PickleMachine.read(ByteRegion(copying: pickle), part: "test", limits: CheckpointLimits())
            #expect(graph.nodes.count < 35_000)
            let checkpoint = try Checkpoint.read(torchArchive(pickle: pickle).build())
            #expect(checkpoint.stateDict.names == ["before"])
            #expect(checkpoint.summary.facts.contains { $0.name == "epoch" && $0.value == "7" })
        }
    }

    @Test("a tensor behind long plain data is found: in the list, by its memo, and set on what is older")
    func keepsTensorsAmongPlainData() throws {
        func numbers(_ count: Int) -> [UInt8] { [0x28] + (0..<count).flatMap { _ in [0x4B, 1] as [UInt8] } + [0x65] }
        let long = (0..<8).reduce([0x5D] as [UInt8]) { bytes, _ in bytes + numbers(1000) }
        let inList = long + [0x28] + P.tensor() + [0x4B, 1, 0x65]
        // A list, remembered as 200; behind a mark a tensor is appended to it, then the batch is closed.
        let older: [UInt8] = [0x5D, 0x71, 200]
        let escaped = long + [0x28, 0x4B, 1, 0x68, 200] + P.tensor() + [0x61, 0x30] + [0x4B, 2, 0x65]
        let pickle = P.file(P.dictionary([("o", older), ("i", inList), ("e", escaped)]))
        let graph = try PickleMachine.read(ByteRegion(copying: pickle), part: "test", limits: CheckpointLimits())
        let source = try Checkpoint.read(
            torchArchive(pickle: pickle).build(), selection: WeightsSelection(key: "o"))
        #expect(source.stateDict.names == ["0"])
        #expect(graph.nodes.count < 30_000)
    }

    @Test("what comes through a pipe is read as a file is")
    func pipes() throws {
        let golden = try #require(readFile("\(goldensFolder())/zip-list.pth"))
        let file = try TemporaryFolder()
        let path = try file.write(golden, to: "f")
        let descriptor = try FileDescriptor.open(path, FileDescriptor.readOnly)
        let mapped = try TemporaryFile.holding(descriptor, limit: golden.count) {
            CheckpointError.sizeOverflow(what: "")
        }
        #expect(Array(mapped.bytes) == golden)
        let again = try FileDescriptor.open(path, FileDescriptor.readOnly)
        #expect(throws: CheckpointError.self) {
            try TemporaryFile.holding(again, limit: golden.count - 1) { CheckpointError.sizeOverflow(what: "") }
        }
    }
}
