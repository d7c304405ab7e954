// SPDX-License-Identifier: MIT

import Checkpoints
import Testing

/// Attacks through the zip archive, each refused with the reason.
@Suite("Hostile archives")
struct HostileArchiveTests {
    private typealias P = PickleBuilder

    @Test("a name that occurs twice is refused")
    func duplicateName() {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries.append(ZipBuilder.Entry(name: "a/data/0", data: floats([9, 9, 9, 9])))
        #expect(refusal(archive.build()) == .clashingNames(first: "a/data/0", second: "a/data/0"))
    }

    @Test("names that differ by case only are refused")
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

    @Test("padding that only the header before the data has is skipped, as PyTorch does")
    func localPadding() throws {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[1].localExtra = Array("FB".utf8) + le(UInt16(7)) + [UInt8](repeating: 0x5A, count: 7)
        #expect(try Checkpoint.read(archive.build()).stateDict.tensor(named: "w")?.floats() == [1, 2, 3, 4])
    }

    @Test("bytes between the entries are refused: another reader could find an entry there", arguments: 0..<3)
    func bytesBetweenEntries(index: Int) {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[index].gap = ZipBuilder(entries: [.init(name: "a/data/1", data: [1])]).build()
        guard case .malformed? = refusal(archive.build()) else {
            Issue.record("not refused as malformed")
            return
        }
    }

    @Test("entries that share bytes are refused")
    func overlap() {
        var archive = torchArchive(
            pickle: P.stateDict(), storages: ["0": floats([1, 2, 3, 4]), "1": floats([1, 2, 3, 4])])
        // The directory leads both names to one header, whose name then fits only one of them.
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
        for count in [1, 100, 70_000] {
            archive.trailing = [UInt8](repeating: 0x41, count: count)
            #expect(refusal(archive.build()) != nil)
        }
        archive.trailing = []
        archive.comment = Array("made by hand".utf8)
        #expect(try Checkpoint.read(archive.build()).stateDict.count == 1)
    }

    @Test("a count of entries that lies is refused", arguments: [0, 2, 4, 60_000] as [UInt16])
    func wrongEntryCount(count: UInt16) {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entryCount = count
        #expect(refusal(archive.build()) != nil)
    }

    @Test(
        "names that leave the archive are refused",
        arguments: [
            "/etc/passwd", "a/../../b", "a\\b", "a/\u{7}b", "b/data.pkl", "/\u{301}etc/passwd", "a/../\u{301}b",
        ])
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

    @Test("a link in the place of what a checkpoint needs is refused, any other is passed over")
    func links() throws {
        var archive = torchArchive(pickle: P.stateDict())
        archive.entries[2].attributes = 0o120777 << 16
        #expect(refusal(archive.build()) == .unsafeEntry(name: "a/version", reason: "it is a link or a device"))
        var other = torchArchive(pickle: P.stateDict())
        other.entries.append(ZipBuilder.Entry(name: "a/extra", data: [1]))
        other.entries[3].attributes = 0o120777 << 16
        #expect(try Checkpoint.read(other.build()).summary.passedOver.count == 1)
    }

    @Test("names beside the weights that differ by case only are passed over, and reported")
    func caseClashBeside() throws {
        var archive = torchArchive(pickle: P.stateDict())
        for name in ["a/code/Net.py", "a/code/net.py"] {
            archive.entries.append(ZipBuilder.Entry(name: name, data: [1]))
        }
        let passedOver = try Checkpoint.read(archive.build()).summary.passedOver
        #expect(passedOver.count == 1 && passedOver[0].contains("net.py"))
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
        for count in 0..<file.count {
            #expect(throws: CheckpointError.self) { try Checkpoint.read(Array(file.prefix(count))) }
        }
    }

    // MARK: Checksums of what is dropped

    /// Weights, an optimizer's storage, and a deflated note.
    private func training() -> ZipBuilder {
        let state = P.dictionary([("m", P.tensor(P.storage("1")))])
        let pickle = P.file(P.dictionary([("state_dict", P.dictionary([("w", P.tensor())])), ("optimizer", state)]))
        var archive = torchArchive(pickle: pickle, storages: ["0": floats([1, 2, 3, 4]), "1": floats([5, 6, 7, 8])])
        let note = Array("a note".utf8)
        var entry = ZipBuilder.Entry(name: "a/code/note", data: [0x01] + le(UInt16(6)) + le(~UInt16(6)) + note)
        entry.checksum = ZipBuilder.crc32(note)
        entry.method = 8
        entry.size = note.count
        archive.entries.append(entry)
        return archive
    }

    private func contents(_ archive: ZipBuilder) throws -> CheckpointContents {
        try CheckpointContents.read(
            ByteRegion(copying: archive.build()), limits: CheckpointLimits(), selection: WeightsSelection())
    }

    @Test("what is dropped is known, and its checksums are verified when asked for")
    func droppedChecksums() throws {
        let sound = try contents(training())
        #expect(sound.droppedEntries.map(\.name) == ["a/data/1", "a/code/note"])
        try sound.verifyDropped()
        for (index, name) in [(2, "a/data/1"), (4, "a/code/note")] {
            var archive = training()
            let actual = archive.entries[index].checksum ?? ZipBuilder.crc32(archive.entries[index].data)
            archive.entries[index].checksum = 1
            let damaged = try contents(archive)
            try damaged.verifyChecksums()
            #expect(throws: CheckpointError.checksumMismatch(entry: name, expected: 1, actual: actual)) {
                try damaged.verifyDropped()
            }
        }
    }

    @Test("storages that are verified in parts: sound ones pass, one byte anywhere is found")
    func checksumsInParts() throws {
        // One part and a bit of the next, exactly two parts, and a few bytes.
        let counts = [(1 << 18) + 5, 1 << 19, 3]
        let data = counts.map { count in floats((0..<count).map { Float($0 * 7 % 251) + 1 }) }
        let items = counts.enumerated().map { index, count in
            ("w\(index)", P.tensor(P.storage("\(index)", count: count), size: [count], stride: [1]))
        }
        func archive(_ data: [[UInt8]]) -> ZipBuilder {
            torchArchive(
                pickle: P.file(P.dictionary(items)),
                storages: Dictionary(uniqueKeysWithValues: data.enumerated().map { ("\($0)", $1) }))
        }
        let sound = archive(data)
        try contents(sound).verifyChecksums()
        for (storage, bytes) in data.enumerated() {
            for place in [0, bytes.count / 2, bytes.count - 1] {
                var damaged = sound
                guard let entry = damaged.entries.firstIndex(where: { $0.name == "a/data/\(storage)" }) else {
                    Issue.record("no storage \(storage)")
                    return
                }
                damaged.entries[entry].checksum = ZipBuilder.crc32(bytes)
                damaged.entries[entry].data[place] ^= 1
                let actual = ZipBuilder.crc32(damaged.entries[entry].data)
                #expect(
                    throws: CheckpointError.checksumMismatch(
                        entry: "storage \(storage)", expected: ZipBuilder.crc32(bytes), actual: actual)
                ) { try contents(damaged).verifyChecksums() }
            }
        }
    }

    @Test("a deflated entry of another size than stated is found", arguments: [5, 7])
    func droppedDeflatedSize(size: Int) throws {
        var archive = training()
        archive.entries[4].size = size
        let damaged = try contents(archive)
        #expect(throws: CheckpointError.self) { try damaged.verifyDropped() }
    }

    @Test("an accuracy that is reported has its checksum verified")
    func factChecksum() {
        let pickle = P.file(
            P.dictionary([
                ("state_dict", P.dictionary([("w", P.tensor())])),
                ("best_acc1", P.tensor(P.storage("1", count: 1), size: [], stride: [])),
            ]))
        var archive = torchArchive(pickle: pickle, storages: ["0": floats([1, 2, 3, 4]), "1": floats([5])])
        #expect(refusal(archive.build()) == nil)
        archive.entries[2].checksum = 1
        guard case .checksumMismatch("storage 1", 1, _)? = refusal(archive.build()) else {
            Issue.record("not refused for its checksum")
            return
        }
    }
}
