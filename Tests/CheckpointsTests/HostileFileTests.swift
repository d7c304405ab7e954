// SPDX-License-Identifier: MIT

import Checkpoints
import TestSupport
import Testing

/// Attacks through what a checkpoint says of code, storages and tensors: refused with the reason, or harmless and reported.
@Suite("Hostile files")
struct HostileFileTests {
    private typealias P = PickleBuilder

    @Test("the builders make a sound file")
    func soundFileIsRead() throws {
        let checkpoint = try Checkpoint.read(torchArchive(pickle: P.stateDict()).build())
        #expect(checkpoint.stateDict.tensor(named: "w")?.floats() == [1, 2, 3, 4])
        #expect(checkpoint.summary.foreignGlobals.isEmpty)
    }

    // MARK: Code

    @Test("a call of os.system is never made, and is reported as dangerous")
    func callsAreInert() throws {
        let call = P.call(P.global("posix", "system"), [P.text("touch /tmp/swiftnet-was-here")])
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("x", call)]))
        let checkpoint = try Checkpoint.read(torchArchive(pickle: pickle).build())
        #expect(checkpoint.stateDict.names == ["w"])
        #expect(checkpoint.summary.otherItems == ["x"])
        #expect(checkpoint.summary.foreignGlobals.map(\.name) == ["posix.system"])
        #expect(checkpoint.summary.foreignGlobals.map(\.rating) == [.dangerous])
        #expect(readFile("/tmp/swiftnet-was-here") == nil)
    }

    @Test("getattr and unknown classes are names, rated as a scanner would")
    func globalsAreRated() throws {
        let pickle = P.file(
            P.dictionary([
                ("w", P.tensor()), ("x", P.global("builtins", "getattr")), ("y", P.global("my.package", "Thing")),
            ]))
        let globals = try Checkpoint.read(torchArchive(pickle: pickle).build()).summary.foreignGlobals
        #expect(globals.map(\.name) == ["builtins.getattr", "my.package.Thing"])
        #expect(globals.map(\.rating) == [.dangerous, .unknown])
    }

    @Test("types.SimpleNamespace runs nothing, whatever else of its module may")
    func namespacesRunNothing() throws {
        let pickle = P.file(
            P.dictionary([
                ("w", P.tensor()), ("x", P.global("types", "SimpleNamespace")), ("y", P.global("types", "CodeType")),
            ]))
        let globals = try Checkpoint.read(torchArchive(pickle: pickle).build()).summary.foreignGlobals
        #expect(globals.first { $0.name == "types.SimpleNamespace" }?.rating == .unknown)
        #expect(globals.first { $0.name == "types.CodeType" }?.rating == .dangerous)
    }

    @Test("bytearray(2**40) allocates nothing")
    func allocationBombIsInert() throws {
        let bomb = P.call(P.global("builtins", "bytearray"), [P.int(1 << 40)])
        let checkpoint = try Checkpoint.read(
            torchArchive(pickle: P.file(P.dictionary([("w", P.tensor()), ("b", bomb)]))).build())
        #expect(checkpoint.stateDict.names == ["w"])
    }

    @Test("a key set on what is no dict is refused")
    func setItemOnATensor() {
        let pickle = P.stateDict(P.tensor() + P.text("k") + P.int(1) + [0x73])
        #expect(
            refusal(torchArchive(pickle: pickle).build())
                == .invalidTensor(name: "w", reason: "items are set on a tensor"))
        #expect(refusal(torchArchive(pickle: P.file(P.list([]) + P.text("k") + P.int(1) + [0x73])).build()) != nil)
        #expect(refusal(torchArchive(pickle: P.file(P.int(1) + P.int(2) + [0x61])).build()) != nil)
        #expect(refusal(torchArchive(pickle: P.file(P.text("s") + [0x7D, 0x62])).build()) != nil)
    }

    // MARK: Storages

    @Test("a storage shorter than declared is refused")
    func storageTooShort() {
        let file = torchArchive(pickle: P.stateDict(), storages: ["0": floats([1, 2, 3])]).build()
        #expect(refusal(file) == .storageLength(key: "0", expected: 16, actual: 12))
    }

    @Test("a storage longer than declared is refused")
    func storageTooLong() {
        let file = torchArchive(pickle: P.stateDict(), storages: ["0": floats([1, 2, 3, 4, 5])]).build()
        #expect(refusal(file) == .storageLength(key: "0", expected: 16, actual: 20))
    }

    @Test("a storage that is missing is refused")
    func storageMissing() {
        #expect(refusal(torchArchive(pickle: P.stateDict(), storages: [:]).build()) == .missingEntry("a/data/0"))
    }

    @Test("a deflated storage is unpacked, to its very length and checksum")
    func storageDeflated() throws {
        var archive = torchArchive(pickle: P.stateDict())
        // A stored block within a deflate stream: sound, and still not the bytes that a mapping would see.
        let data = archive.entries[1].data
        archive.entries[1].checksum = ZipBuilder.crc32(data)
        archive.entries[1].data = [0x01] + le(UInt16(data.count)) + le(~UInt16(data.count)) + data
        archive.entries[1].method = 8
        archive.entries[1].size = data.count
        let weights = try Checkpoint.read(archive.build()).stateDict
        #expect(weights.entries[0].tensor.withUnsafeBytes { Array($0) } == data)
        archive.entries[1].checksum = 1
        #expect(refusal(archive.build()) != nil)
        archive.entries[1].checksum = ZipBuilder.crc32(data)
        archive.entries[1].size = data.count + 1
        archive.entries[1].localSize = nil
        #expect(refusal(archive.build()) != nil)
    }

    @Test("two element types over one storage are refused")
    func twoTypesOverOneStorage() {
        let pickle = P.file(
            P.dictionary([
                ("w", P.tensor()), ("v", P.tensor(P.storage(type: "IntStorage"))),
            ]))
        let error = refusal(torchArchive(pickle: pickle).build())
        #expect(error == .invalidTensor(name: "v", reason: "storage '0' is declared with two element types"))
    }

    @Test("a part of an archive's storage is refused: it would have no checksum")
    func partOfAStorage() {
        let part = P.tuple([P.text("v"), P.int(0), P.int(2)])
        let storage =
            P.tuple([P.text("storage"), P.global("torch", "FloatStorage"), P.text("0"), P.text("cpu"), P.int(4), part])
            + [0x51]
        #expect(
            refusal(torchArchive(pickle: P.stateDict(P.tensor(storage, size: [2]))).build())
                == .invalidTensor(name: "w", reason: "storage '0' of an archive is declared with a view"))
    }

    @Test("two lengths of one storage are refused")
    func twoLengthsOfOneStorage() {
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("v", P.tensor(P.storage(count: 3)))]))
        #expect(
            refusal(torchArchive(pickle: pickle).build())
                == .invalidTensor(name: "v", reason: "storage '0' is declared with two lengths"))
    }

    @Test("a wrong checksum of a storage is found")
    func wrongStorageChecksum() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[1].checksum = 1
        #expect(
            refusal(archive.build())
                == .checksumMismatch(entry: "storage 0", expected: 1, actual: ZipBuilder.crc32(archive.entries[1].data))
        )
    }

    @Test("a wrong checksum of the pickle is found")
    func wrongPickleChecksum() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[0].checksum = 1
        #expect(
            refusal(archive.build())
                == .checksumMismatch(
                    entry: "a/data.pkl", expected: 1, actual: ZipBuilder.crc32(archive.entries[0].data)))
    }

    // MARK: Tensors

    @Test(
        "offsets, sizes and strides that lie are refused",
        arguments: [
            (-1, [4], [1]), (1, [4], [1]), (0, [5], [1]), (0, [-1], [1]), (0, [2], [4]), (0, [2], [-1]),
            (0, [4], [1, 1]),
            (0, [1 << 62, 4], [0, 0]), (0, [2], [Int.max]), (Int.max, [2], [1]), (0, [1 << 40, 1 << 40], [0, 0]),
            (4, [1], [1]),
        ])
    func liesAboutGeometry(offset: Int, size: [Int], stride: [Int]) {
        let pickle = P.stateDict(P.tensor(offset: offset, size: size, stride: stride))
        guard case .invalidTensor("w", _)? = refusal(torchArchive(pickle: pickle).build()) else {
            Issue.record("not refused as an invalid tensor")
            return
        }
    }

    @Test("a view that would fill the memory is refused before it is made")
    func hugeExpansion() {
        let pickle = P.stateDict(P.tensor(size: [1 << 33], stride: [0]))
        #expect(
            refusal(torchArchive(pickle: pickle).build())
                == .limitExceeded(limit: "maxViewBytes", maximum: CheckpointLimits().maxViewBytes))
    }

    @Test("overlapping tensors that would fill the disk are refused before any is written")
    func overlappingTensors() {
        let shifted = (0..<4).map { ("w\($0)", P.tensor(offset: $0, size: [4 - $0])) }
        let file = torchArchive(pickle: P.file(P.dictionary(shifted))).build()
        var limits = CheckpointLimits()
        // 40 bytes are asked for, 16 are there.
        limits.maxViewBytes = 24
        #expect(refusal(file, limits: limits) == nil)
        limits.maxViewBytes = 23
        #expect(refusal(file, limits: limits) == .limitExceeded(limit: "maxViewBytes", maximum: 23))
    }

    @Test("a storage whose byte count overflows is refused")
    func storageCountOverflows() {
        let pickle = P.stateDict(P.tensor(P.storage(count: Int.max)))
        #expect(refusal(torchArchive(pickle: pickle).build()) != nil)
    }

    @Test("more dimensions than the limit are refused")
    func tooManyDimensions() {
        var limits = CheckpointLimits()
        limits.maxRank = 2
        let pickle = P.stateDict(P.tensor(size: [1, 1, 4], stride: [4, 4, 1]))
        #expect(refusal(torchArchive(pickle: pickle).build(), limits: limits) != nil)
    }
}
