// SPDX-License-Identifier: MIT

import Checkpoints
import Testing

/// Every attack that is known on readers of checkpoints: refused with the reason, or harmless and reported.
@Suite("Hostile files")
struct HostileFileTests {
    private typealias P = PickleBuilder

    private func read(_ bytes: [UInt8], limits: CheckpointLimits = CheckpointLimits()) throws -> Checkpoint {
        try Checkpoint.read(bytes, limits: limits)
    }

    /// The error that reading ends in; nil where the bytes are accepted.
    private func refusal(_ bytes: [UInt8], limits: CheckpointLimits = CheckpointLimits()) -> CheckpointError? {
        do {
            _ = try read(bytes, limits: limits)
            return nil
        } catch let error as CheckpointError {
            return error
        } catch {
            Issue.record("an error of another kind: \(error)")
            return nil
        }
    }

    @Test("the builders make a sound file")
    func soundFileIsRead() throws {
        let checkpoint = try read(torchArchive(pickle: P.stateDict()).build())
        #expect(checkpoint.stateDict.tensor(named: "w")?.floats() == [1, 2, 3, 4])
        #expect(checkpoint.summary.foreignGlobals.isEmpty)
    }

    // MARK: Code

    @Test("a call of os.system is never made, and is reported as dangerous")
    func callsAreInert() throws {
        let call = P.call(P.global("posix", "system"), [P.text("touch /tmp/swiftnet-was-here")])
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("x", call)]))
        let checkpoint = try read(torchArchive(pickle: pickle).build())
        #expect(checkpoint.stateDict.names == ["w"])
        #expect(checkpoint.summary.otherItems == ["x"])
        #expect(checkpoint.summary.foreignGlobals.map(\.name) == ["posix.system"])
        #expect(checkpoint.summary.foreignGlobals.map(\.rating) == [.dangerous])
        #expect(!isReadable("/tmp/swiftnet-was-here"))
    }

    @Test("getattr and unknown classes are names, rated as a scanner would")
    func globalsAreRated() throws {
        let pickle = P.file(
            P.dictionary([
                ("w", P.tensor()), ("x", P.global("builtins", "getattr")), ("y", P.global("my.package", "Thing")),
            ]))
        let globals = try read(torchArchive(pickle: pickle).build()).summary.foreignGlobals
        #expect(globals.map(\.name) == ["builtins.getattr", "my.package.Thing"])
        #expect(globals.map(\.rating) == [.dangerous, .unknown])
    }

    @Test("bytearray(2**40) allocates nothing")
    func allocationBombIsInert() throws {
        let bomb = P.call(P.global("builtins", "bytearray"), [P.int(1 << 40)])
        let checkpoint = try read(torchArchive(pickle: P.file(P.dictionary([("w", P.tensor()), ("b", bomb)]))).build())
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

    @Test("a deflated storage is refused")
    func storageDeflated() {
        var archive = torchArchive(pickle: P.stateDict())
        // A stored block within a deflate stream: sound, and still not the bytes that a mapping would see.
        let data = archive.entries[1].data
        archive.entries[1].checksum = ZipBuilder.crc32(data)
        archive.entries[1].data = [0x01] + le(UInt16(data.count)) + le(~UInt16(data.count)) + data
        archive.entries[1].method = 8
        archive.entries[1].size = data.count
        #expect(refusal(archive.build()) == .compressedStorage(entry: "a/data/0"))
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

    // MARK: Archives

    @Test("a name that occurs twice is refused")
    func duplicateName() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries.append(ZipBuilder.Entry(name: "a/data/0", data: floats([9, 9, 9, 9])))
        #expect(refusal(archive.build()) == .clashingNames(first: "a/data/0", second: "a/data/0"))
    }

    @Test("names that differ by case alone are refused")
    func caseClash() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries.insert(ZipBuilder.Entry(name: "a/DATA/0", data: floats([9, 9, 9, 9])), at: 1)
        #expect(refusal(archive.build()) == .clashingNames(first: "a/DATA/0", second: "a/data/0"))
    }

    @Test("a header before the data with another name is refused")
    func localNameDiffers() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[1].localName = "a/data/1"
        #expect(refusal(archive.build()) == .headerDisagreement(entry: "a/data/0", field: "name"))
    }

    @Test("a header before the data with another size or checksum is refused")
    func localFieldsDiffer() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[1].localSize = 12
        #expect(refusal(archive.build()) == .headerDisagreement(entry: "a/data/0", field: "size"))
        archive.entries[1].localSize = nil
        archive.entries[1].localChecksum = 5
        #expect(refusal(archive.build()) == .headerDisagreement(entry: "a/data/0", field: "checksum"))
    }

    @Test("entries that share bytes are refused")
    func overlap() {
        var archive = torchArchive(
            pickle: P.stateDict(), storages: ["0": floats([1, 2, 3, 4]), "1": floats([1, 2, 3, 4])])
        // The directory leads both names to one header, whose name then fits one of them alone.
        let offset = 30 + "a/data.pkl".utf8.count + archive.entries[0].data.count
        archive.entries[2].headerOffset = offset
        #expect(refusal(archive.build()) == .headerDisagreement(entry: "a/data/1", field: "name"))
    }

    @Test("an entry within another entry's data is refused")
    func nestedEntry() {
        let inner = ZipBuilder(entries: [.init(name: "a/data/1", data: floats([1, 2, 3, 4]))]).build()
        let header = Array(inner.prefix(30 + 8 + 16))
        var archive = torchArchive(pickle: P.stateDict(), storages: ["0": header, "1": floats([1, 2, 3, 4])])
        archive.entries[2].headerOffset = 30 + "a/data.pkl".utf8.count + archive.entries[0].data.count + 30 + 8
        #expect(refusal(archive.build()) == .overlappingEntries(first: "a/data/0", second: "a/data/1"))
    }

    @Test("encrypted entries are refused", arguments: [0x0001, 0x0040, 0x2000] as [UInt16])
    func encrypted(flag: UInt16) {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[1].flags = flag
        #expect(refusal(archive.build()) == .encryptedEntry("a/data/0"))
    }

    @Test("bytes after the archive are refused, a declared comment is not")
    func trailingBytes() throws {
        var archive = torchArchive(pickle: P.stateDict())
        archive.trailing = [UInt8](repeating: 0x41, count: 100)
        #expect(refusal(archive.build()) != nil)
        archive.trailing = []
        archive.comment = Array("made by hand".utf8)
        #expect(try read(archive.build()).stateDict.count == 1)
    }

    @Test("a count of entries that lies is refused", arguments: [0, 2, 4, 60_000] as [UInt16])
    func wrongEntryCount(count: UInt16) {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entryCount = count
        #expect(refusal(archive.build()) != nil)
    }

    @Test(
        "names that leave the archive are refused",
        arguments: ["/etc/passwd", "a/../../b", "a\\b", "a/\u{7}b", "b/data.pkl"])
    func escapingNames(name: String) {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries.append(ZipBuilder.Entry(name: name, data: []))
        guard case .unsafeEntry(name, _)? = refusal(archive.build()) else {
            Issue.record("not refused as an unsafe entry")
            return
        }
    }

    @Test("names that are no UTF-8 are refused")
    func nameIsNotUTF8() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries.append(ZipBuilder.Entry(name: "", data: [], nameBytes: [0x61, 0x2F, 0xED, 0xA0, 0x80]))
        #expect(refusal(archive.build()) != nil)
    }

    @Test("links are refused")
    func links() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[2].attributes = 0o120777 << 16
        #expect(refusal(archive.build()) == .unsafeEntry(name: "a/version", reason: "it is a link"))
    }

    @Test("a deflated entry that says it is huge is refused before memory is taken")
    func deflateBomb() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[0].method = 8
        archive.entries[0].size = 400 << 20
        archive.entries[0].localSize = nil
        #expect(refusal(archive.build()) != nil)
    }

    @Test("every way to cut an archive short is refused")
    func truncatedArchives() throws {
        let file = torchArchive(pickle: P.stateDict()).build()
        for count in 0..<file.count { #expect(throws: CheckpointError.self) { try read(Array(file.prefix(count))) } }
    }

    // MARK: Pickles

    @Test("bytes after the pickle are refused")
    func bytesAfterStop() {
        #expect(refusal(torchArchive(pickle: P.stateDict() + [0x4E]).build()) != nil)
        #expect(refusal(P.stateDict() + [0x4E]) != nil)
    }

    @Test("values left on the stack are refused")
    func leftovers() {
        #expect(refusal(torchArchive(pickle: P.file(P.dictionary([("w", P.tensor())]) + P.int(1))).build()) != nil)
    }

    @Test("a weight's name that occurs twice is refused")
    func duplicateKeys() {
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("w", P.tensor(size: [2]))]))
        #expect(refusal(torchArchive(pickle: pickle).build()) == .clashingNames(first: "w", second: "w"))
    }

    @Test("names that are no UTF-8 are refused: surrogates and broken bytes")
    func invalidUTF8Keys() {
        for bytes in [[0xED, 0xA0, 0x80], [0xFF], [0xC3]] as [[UInt8]] {
            let pickle = P.file([0x7D, 0x58] + le(UInt32(bytes.count)) + bytes + P.tensor() + [0x73])
            #expect(refusal(torchArchive(pickle: pickle).build()) != nil)
        }
    }

    @Test("a list that contains itself is walked once")
    func selfContainingList() throws {
        let cycle: [UInt8] = [0x5D, 0x71, 0, 0x68, 0, 0x61]
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("l", cycle)]))
        #expect(try read(torchArchive(pickle: pickle).build()).stateDict.names == ["w"])
    }

    @Test("tuples that double forty times are walked once each")
    func memoDoubling() throws {
        var bomb: [UInt8] = [0x29, 0x71, 0]
        for slot in 0..<40 as Range<UInt8> { bomb += [0x68, slot, 0x86, 0x71, slot + 1] }
        let pickle = P.file(P.dictionary([("w", P.tensor()), ("b", bomb)]))
        #expect(try read(torchArchive(pickle: pickle).build()).stateDict.names == ["w"])
    }

    @Test("nesting beyond the limit is refused, without recursion")
    func deepNesting() {
        let deep = [UInt8](repeating: 0x5D, count: 300_000) + [UInt8](repeating: 0x61, count: 299_999)
        #expect(
            refusal(torchArchive(pickle: P.file(P.dictionary([("w", P.tensor()), ("d", deep)]))).build())
                == .limitExceeded(limit: "maxDepth", maximum: 100))
    }

    @Test("modules that contain each other twice do not explode")
    func moduleDoubling() {
        func module(_ modules: [UInt8]) -> [UInt8] {
            P.global("m", "M") + [0x29, 0x81]
                + P.dictionary([("_parameters", [0x7D]), ("_modules", modules)]) + [0x62]
        }
        var bomb = module([0x7D]) + [0x71, 0, 0x30]
        for slot in 0..<60 as Range<UInt8> {
            bomb +=
                module([0x7D, 0x28] + P.text("a") + [0x68, slot] + P.text("b") + [0x68, slot, 0x75]) + [
                    0x71, slot + 1, 0x30,
                ]
        }
        var limits = CheckpointLimits()
        limits.maxTensors = 10_000
        limits.maxDepth = 1000
        #expect(
            refusal(torchArchive(pickle: P.file(bomb + [0x68, 60])).build(), limits: limits)
                == .limitExceeded(limit: "maxTensors", maximum: 10_000))
    }

    @Test(
        "each limit of the pickle machine holds",
        arguments: [("maxOpcodes", 5), ("maxStack", 2), ("maxMemo", 0), ("maxPickleBytes", 10)])
    func pickleLimits(name: String, value: Int) {
        var limits = CheckpointLimits()
        let isKnown = limits.set(name, to: value)
        #expect(isKnown)
        let pickle = P.file([0x7D, 0x71, 0] + [0x28] + P.text("w") + P.tensor() + [0x75])
        #expect(
            refusal(torchArchive(pickle: pickle).build(), limits: limits) == .limitExceeded(limit: name, maximum: value)
        )
    }

    @Test("lengths that reach beyond the pickle take no memory", arguments: [0x58, 0x42, 0x8B, 0x54] as [UInt8])
    func lyingLengths(opcode: UInt8) {
        #expect(refusal([0x80, 3, opcode] + le(UInt32.max) + [0x2E]) != nil)
        #expect(refusal([0x80, 4, 0x8D] + le(UInt64.max) + [0x2E]) != nil)
    }

    @Test(
        "buffers outside of the pickle and unknown opcodes are refused", arguments: [0x97, 0x98, 0xFF, 0x00] as [UInt8])
    func unsupportedOpcodes(opcode: UInt8) {
        #expect(refusal([0x80, 5, opcode, 0x2E]) == .unsupportedOpcode(opcode, offset: 2))
    }

    @Test("every way to cut a pickle short is refused")
    func truncatedPickles() {
        let pickle = P.stateDict()
        for count in 2..<pickle.count {
            #expect(refusal(torchArchive(pickle: Array(pickle.prefix(count))).build()) != nil)
        }
    }
}
