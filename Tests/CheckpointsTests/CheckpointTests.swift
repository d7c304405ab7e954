// SPDX-License-Identifier: MIT

import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite("Checkpoint")
struct CheckpointTests {
    @Test("reads what PyTorch reads, value by value", arguments: GoldenCheckpoint.all)
    func readsWhatPyTorchReads(golden: GoldenCheckpoint) throws {
        let checkpoint = try Checkpoint.open(path: golden.path)
        #expect(checkpoint.format.rawValue == golden.values(of: "format").first)
        let names = checkpoint.stateDict.names
        if checkpoint.format == .safetensors {
            #expect(names.sorted() == golden.tensors.map(\.name).sorted())
        } else {
            #expect(names == golden.tensors.map(\.name))
        }
        for expected in golden.tensors {
            let tensor = try #require(checkpoint.stateDict.tensor(named: expected.name))
            #expect(tensor.elementType.torchName == expected.type, "\(expected.name)")
            #expect(tensor.shape.dimensions == expected.sizes, "\(expected.name)")
            #expect(tensor.withUnsafeBytes { Array($0) } == expected.bytes, "\(expected.name)")
        }
    }

    @Test("says where the weights were and what stood beside them", arguments: GoldenCheckpoint.all)
    func saysWhatItFound(golden: GoldenCheckpoint) throws {
        let summary = try Checkpoint.open(path: golden.path).summary
        for prefix in golden.values(of: "prefix") { #expect(summary.removedPrefixes.contains(prefix)) }
        for path in golden.values(of: "path") { #expect(summary.weightsPath == path) }
        for other in golden.values(of: "other") { #expect(summary.otherItems.contains(other)) }
        for wrapper in golden.values(of: "wrapper") { #expect(summary.wrappers.last == wrapper) }
        let facts = summary.facts.map { "\($0.name) \($0.value)" }
        for fact in golden.values(of: "fact") { #expect(facts.contains(fact)) }
        let unsupported = golden.values(of: "unsupported")
        #expect(summary.unsupported.map(\.name).sorted() == unsupported.sorted())
    }

    @Test("accounts for every byte of the file", arguments: GoldenCheckpoint.all)
    func accountsForEveryByte(golden: GoldenCheckpoint) throws {
        let summary = try Checkpoint.open(path: golden.path).summary
        let parts = [
            summary.weightBytes, summary.notTakenBytes, summary.trainingBytes, summary.otherTensorBytes,
            summary.unusedBytes,
            summary.pickleBytes,
            summary.otherEntryBytes,
        ]
        #expect(parts.allSatisfy { $0 >= 0 })
        let files =
            golden.path.hasSuffix(".folder") ? fileNames(in: golden.path).map { "\(golden.path)/\($0)" } : [golden.path]
        let size = files.reduce(0) { $0 + (readFile($1)?.count ?? 0) }
        #expect(parts.reduce(0, +) + summary.containerBytes == size)
        // What compression saves counts against the container.
        if !summary.wrappers.contains("gzip"), !golden.name.contains("deflated"), !golden.name.contains("wrapped-zip") {
            #expect(summary.containerBytes >= 0)
        }
    }

    @Test("has a case for every format")
    func hasACaseForEveryFormat() {
        let formats = Set(GoldenCheckpoint.all.flatMap { $0.values(of: "format") })
        #expect(formats == Set(CheckpointFormat.allCases.map(\.rawValue)))
    }

    @Test("takes plain tensors from the mapped file without a copy")
    func mapsWithoutACopy() throws {
        let golden = try #require(GoldenCheckpoint.all.first { $0.name == "zip-training" })
        let stateDict = try Checkpoint.open(path: golden.path).stateDict
        let copied = stateDict.entries.filter { !$0.tensor.isBorrowed }.map(\.name)
        #expect(copied.isEmpty)
        for (_, tensor) in stateDict.entries {
            tensor.withUnsafeBytes { #expect(Int(bitPattern: $0.baseAddress).isMultiple(of: 64)) }
        }
    }

    @Test("keeps the prefixes when asked to")
    func keepsPrefixes() throws {
        let golden = try #require(GoldenCheckpoint.all.first { $0.name == "zip-training" })
        let checkpoint = try Checkpoint.open(path: golden.path, selection: WeightsSelection(keepsPrefixes: true))
        #expect(checkpoint.stateDict.names == golden.tensors.map { "module." + $0.name })
        #expect(checkpoint.summary.removedPrefixes.isEmpty)
    }

    @Test("reports tensors that share their elements")
    func reportsAliases() throws {
        let golden = try #require(GoldenCheckpoint.all.first { $0.name == "zip-views" })
        let aliases = try Checkpoint.open(path: golden.path).summary.aliases
        #expect(aliases.map { "\($0.name)=\($0.of)" } == ["alias=whole", "reshaped=whole"])
    }

    @Test("does not ask for the file's name")
    func ignoresTheName() throws {
        let golden = try #require(GoldenCheckpoint.all.first { $0.name == "safetensors" })
        let folder = try TemporaryFolder()
        let path = try folder.write(try #require(readFile(golden.path)), to: "weights.tar.pth.zip")
        #expect(try Checkpoint.open(path: path).format == .safetensors)
    }

    @Test(
        "reads the real training checkpoint as PyTorch does",
        .enabled(
            if: realCheckpoint("rotation.pth.tar") != nil, "the folder of checkpoints is absent: SWIFTNET_CHECKPOINTS"))
    func readsTheRealCheckpoint() throws {
        let path = try #require(realCheckpoint("rotation.pth.tar"))
        let checkpoint = try Checkpoint.open(path: path)
        #expect(checkpoint.stateDict.count == 360)
        #expect(checkpoint.stateDict.byteCount == 16_219_144)
        #expect(checkpoint.summary.weightsPath == "state_dict")
        #expect(checkpoint.summary.removedPrefixes == ["model."])
        #expect(checkpoint.summary.facts.contains { $0.name == "best_acc1" && $0.value == "60.833332" })
        #expect(checkpoint.summary.fileBytes == 48_617_053)
        #expect(checkpoint.summary.foreignGlobals.isEmpty)
    }
}

extension ElementType {
    /// PyTorch's name.
    var torchName: String { TorchType(self).rawValue }
}
