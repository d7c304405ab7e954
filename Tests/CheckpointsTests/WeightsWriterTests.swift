// SPDX-License-Identifier: MIT

import Checkpoints
import SystemCalls
import Tensors
import TestSupport
import Testing

@Suite("WeightsWriter")
struct WeightsWriterTests {
    private func contents(_ path: String) throws -> CheckpointContents {
        try CheckpointContents.open(
            path: path, limits: CheckpointLimits(), selection: WeightsSelection(keepsPrefixes: true), discardable: true)
    }

    private func written(
        _ path: String, to file: String, _ options: WeightsWriter.Options = WeightsWriter.Options()
    ) throws -> [UInt8] {
        _ = try WeightsWriter.write(contents(path), to: file, existing: .replace, options: options)
        return try #require(readFile(file))
    }

    @Test("writes the bytes that torch.save writes")
    func sameBytesAsTorch() throws {
        let original = "\(goldensFolder())/writer.pth"
        let folder = try TemporaryFolder()
        var ours = try written(original, to: folder.path("writer.pth"))
        var theirs = try #require(readFile(original))
        try #require(ours.count == theirs.count)
        // The id's first 20 digits come from the order of a hash table; its checksum stands in two places.
        let id = try #require(ZipFinder.dataOffset(of: "writer/.data/serialization_id", in: ours))
        for range in [id..<(id + 20), (id + 44)..<(id + 48)] {
            ours.replaceSubrange(range, with: repeatElement(0, count: range.count))
            theirs.replaceSubrange(range, with: repeatElement(0, count: range.count))
        }
        let record = try #require(ZipFinder.recordOffset(of: "writer/.data/serialization_id", in: ours))
        for offset in (record + 16)..<(record + 20) { (ours[offset], theirs[offset]) = (0, 0) }
        #expect(ours.indices.first { ours[$0] != theirs[$0] } == nil)
    }

    @Test("writes the bytes that safetensors writes")
    func sameBytesAsSafetensors() throws {
        let original = "\(goldensFolder())/writer.safetensors"
        let folder = try TemporaryFolder()
        let ours = try written(
            original, to: folder.path("w.safetensors"), WeightsWriter.Options(format: .safetensors))
        #expect(ours == readFile(original))
    }

    @Test("writes the same bytes on every run")
    func isDeterministic() throws {
        let path = "\(goldensFolder())/zip-training.pth"
        let folder = try TemporaryFolder()
        #expect(try written(path, to: folder.path("m.pth")) == written(path, to: folder.path("m.pth")))
    }

    @Test("what was written reads back the same, from every format into both", arguments: GoldenCheckpoint.all)
    func roundTrip(golden: GoldenCheckpoint) throws {
        let folder = try TemporaryFolder()
        for format in WeightsWriter.Format.allCases {
            let options = WeightsWriter.Options(format: format)
            let file = folder.path("w.\(format.rawValue)")
            var source = try CheckpointContents.open(
                path: golden.path, limits: CheckpointLimits(), selection: WeightsSelection())
            source.keepOnly(whatFits: format)
            let result = try WeightsWriter.write(source, to: file, existing: .replace, options: options)
            try WeightsVerifier.verify(file, against: source, options: options, limits: CheckpointLimits())
            #expect(result.fileBytes == readFile(file)?.count)
            let copy = try Checkpoint.open(path: file, selection: WeightsSelection(keepsPrefixes: true)).stateDict
            for expected in golden.tensors {
                #expect(copy.tensor(named: expected.name)?.withUnsafeBytes { Array($0) } == expected.bytes)
            }
        }
    }

    @Test("tensors with one storage under two names are written once")
    func writesAliasesOnce() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("w.pth")
        _ = try written("\(goldensFolder())/zip-views.pth", to: file)
        let summary = try Checkpoint.open(path: file).summary
        #expect(summary.aliases.map(\.name) == ["alias", "reshaped"])
    }

    @Test("the written file is mapped without a copy, every tensor at a multiple of 64 bytes")
    func writtenFileIsMapped() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("w.pth")
        _ = try written("\(goldensFolder())/legacy-views.pth", to: file)
        for (name, tensor) in try Checkpoint.open(path: file).stateDict.entries {
            #expect(tensor.isBorrowed, "\(name)")
            if tensor.byteCount > 0 {
                tensor.withUnsafeBytes { #expect(Int(bitPattern: $0.baseAddress).isMultiple(of: 64), "\(name)") }
            }
        }
    }

    @Test("converts to 16 bits as PyTorch does", arguments: [("f16", ElementType.float16), ("bf16", .bfloat16)])
    func conversionMatchesPyTorch(name: String, type: ElementType) throws {
        let golden = GoldenCheckpoint(name: "conversion")
        let source = try #require(golden.tensors.first { $0.name == "source" })
        let expected = try #require(golden.tensors.first { $0.name == name })
        let conversion = try #require(ElementConversion(from: .float32, to: type))
        var output = [UInt8](repeating: 0, count: expected.bytes.count)
        let overflowCount = source.bytes.withUnsafeBytes { input in
            output.withUnsafeMutableBytes { conversion.convert(input, into: $0) }
        }
        #expect(output == expected.bytes)
        #expect(overflowCount > 0)
    }

    @Test("--dtype converts only the floating-point tensors")
    func convertsFloatsAlone() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("w.pth")
        _ = try written("\(goldensFolder())/zip-types.pth", to: file, WeightsWriter.Options(floatType: .float16))
        let stateDict = try Checkpoint.open(path: file).stateDict
        #expect(stateDict.tensor(named: "float64")?.elementType == .float16)
        #expect(stateDict.tensor(named: "bfloat16")?.elementType == .float16)
        #expect(stateDict.tensor(named: "int64")?.elementType == .int64)
        #expect(stateDict.tensor(named: "bool")?.elementType == .bool)
    }

    @Test("counts values that trained weights should not have")
    func countsUnusualValues() throws {
        let folder = try TemporaryFolder()
        let source = try contents("\(goldensFolder())/zip-types.pth")
        let result = try WeightsWriter.write(
            source, to: folder.path("w.pth"), existing: .replace, options: WeightsWriter.Options())
        let special = try #require(result.statistics.first { $0.name == "special" }).counts
        #expect((special.nanCount, special.infiniteCount, special.denormalCount) == (1, 2, 1))
        #expect(result.statistics.count == 1)
        let narrow = try WeightsWriter.write(
            source, to: folder.path("w.pth"), existing: .replace, options: WeightsWriter.Options(floatType: .float16))
        #expect(narrow.statistics.first { $0.name == "special" }?.counts.overflowCount == 1)
    }

    @Test("damaged weights leave no file, and the old one as it was")
    func failureLeavesTheOldFile() throws {
        let folder = try TemporaryFolder()
        var archive = torchArchive(pickle: PickleBuilder.stateDict())
        archive.entries[1].checksum = 1
        let input = try folder.write(archive.build(), to: "in.pth")
        let output = try folder.write([1, 2, 3], to: "out.pth")
        #expect(throws: CheckpointError.self) {
            try WeightsWriter.write(contents(input), to: output, existing: .replace, options: WeightsWriter.Options())
        }
        #expect(readFile(output) == [1, 2, 3])
        #expect(try folder.names() == ["in.pth", "out.pth"])
    }

    @Test("tensors of many pieces are counted, converted and verified to the last one")
    func tensorsOfManyPieces() throws {
        let folder = try TemporaryFolder()
        var values = (0..<700_001).map { Float($0) / 8 }
        for index in [0, 300_000, 700_000] { values[index] = .nan }
        let pickle = PickleBuilder.stateDict(
            PickleBuilder.tensor(PickleBuilder.storage(count: values.count), size: [values.count]))
        var archive = torchArchive(pickle: pickle, storages: ["0": floats(values)])
        let source = try contents(folder.write(archive.build(), to: "in.pth"))
        for format in WeightsWriter.Format.allCases {
            for type in [nil, ElementType.bfloat16] {
                let options = WeightsWriter.Options(format: format, floatType: type)
                let output = folder.path("out")
                let result = try WeightsWriter.write(source, to: output, existing: .replace, options: options)
                #expect(result.statistics.map(\.counts.nanCount) == [3])
                try WeightsVerifier.verify(output, against: source, options: options, limits: CheckpointLimits())
            }
        }
        archive.entries[1].checksum = 1
        let damaged = try contents(folder.write(archive.build(), to: "in.pth"))
        #expect(throws: CheckpointError.self) {
            try WeightsWriter.write(
                damaged, to: folder.path("other"), existing: .replace, options: WeightsWriter.Options())
        }
        #expect(try folder.names() == ["in.pth", "out"])
    }

    @Test("a name that an archive should not have does not become that of its folder")
    func plainFolderName() throws {
        let folder = try TemporaryFolder()
        for name in ["a\\b.pth", "bell\u{7}.pth", ".pth", "...pth"] {
            _ = try written("\(goldensFolder())/zip-types.pth", to: folder.path(name))
            #expect(try Checkpoint.open(path: folder.path(name)).stateDict.count > 0, "\(name)")
        }
    }

    @Test("a name that safetensors keeps for itself is refused, and leaves no file")
    func reservedName() throws {
        let folder = try TemporaryFolder()
        let pickle = PickleBuilder.file(PickleBuilder.dictionary([("__metadata__", PickleBuilder.tensor())]))
        let input = try folder.write(torchArchive(pickle: pickle).build(), to: "in.pth")
        #expect(throws: CheckpointError.self) {
            try WeightsWriter.write(
                contents(input), to: folder.path("w.safetensors"), existing: .replace,
                options: WeightsWriter.Options(format: .safetensors))
        }
        #expect(try folder.names() == ["in.pth"])
    }

    @Test("a folder that cannot be written to is an error of the system")
    func unwritableFolder() throws {
        let input = "\(goldensFolder())/zip-types.pth"
        #expect(throws: SystemError.self) {
            try WeightsWriter.write(
                contents(input), to: "/proc/self/w.pth", existing: .replace, options: WeightsWriter.Options())
        }
    }

    @Test("the verifier finds a changed element, a missing and a renamed tensor")
    func verifierFindsChanges() throws {
        let folder = try TemporaryFolder()
        let input = try folder.write(torchArchive(pickle: PickleBuilder.stateDict()).build(), to: "in.pth")
        let source = try contents(input)
        func verify(_ bytes: [UInt8]) throws {
            let file = try folder.write(bytes, to: "other.pth")
            try WeightsVerifier.verify(
                file, against: source, options: WeightsWriter.Options(), limits: CheckpointLimits())
        }
        try verify(torchArchive(pickle: PickleBuilder.stateDict()).build())
        let changed = torchArchive(pickle: PickleBuilder.stateDict(), storages: ["0": floats([1, 2, 3, 5])])
        #expect(throws: CheckpointError.self) { try verify(changed.build()) }
        let renamed = PickleBuilder.file(PickleBuilder.dictionary([("v", PickleBuilder.tensor())]))
        #expect(throws: CheckpointError.self) { try verify(torchArchive(pickle: renamed).build()) }
    }
}

/// Finds an entry's places in an archive, knowing nothing but the signatures.
private enum ZipFinder {
    static func dataOffset(of name: String, in file: [UInt8]) -> Int? {
        guard let nameOffset = offset(of: name, signature: [0x50, 0x4B, 3, 4], header: 30, in: file) else { return nil }
        let extra = Int(file[nameOffset - 2]) | Int(file[nameOffset - 1]) << 8
        return nameOffset + name.utf8.count + extra
    }

    static func recordOffset(of name: String, in file: [UInt8]) -> Int? {
        offset(of: name, signature: [0x50, 0x4B, 1, 2], header: 46, in: file).map { $0 - 46 }
    }

    /// Where the name stands behind a header.
    private static func offset(of name: String, signature: [UInt8], header: Int, in file: [UInt8]) -> Int? {
        let name = Array(name.utf8)
        return file.indices.first { start in
            file[start...].starts(with: signature) && file.count > start + header + name.count
                && file[(start + header)...].starts(with: name)
        }.map { $0 + header }
    }
}
