// SPDX-License-Identifier: MIT

import Checkpoints
import TestSupport
import Testing

/// Attacks through safetensors, legacy streams, tars and gzip.
@Suite("Hostile containers")
struct HostileContainerTests {
    private func golden(_ file: String) throws -> [UInt8] { try #require(readFile("\(goldensFolder())/\(file)")) }

    // MARK: safetensors

    private func safetensors(_ header: String, data: [UInt8] = floats([1, 2])) -> [UInt8] {
        le(UInt64(header.utf8.count)) + Array(header.utf8) + data
    }

    @Test("a sound safetensors file is read, its tensors in the order of their bytes")
    func soundSafetensors() throws {
        let header =
            #"{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  "#
        let checkpoint = try Checkpoint.read(safetensors(header))
        #expect(checkpoint.stateDict.names == ["a", "b"])
        #expect(checkpoint.stateDict.tensor(named: "b")?.floats() == [2])
    }

    @Test(
        "headers that lie are refused",
        arguments: [
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}}"#,
            #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"n":1}}"#,
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x"#,
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
            #"{"a\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F32","shape":[[[[[[[[[[[[[[[[[[2]]]]]]]]]]]]]]]]]],"data_offsets":[0,8]}}"#,
        ])
    func lyingHeaders(header: String) {
        #expect(refusal(safetensors(header)) != nil)
    }

    @Test("a header longer than the file or than the limit is refused")
    func headerTooLong() {
        #expect(refusal(le(UInt64(1000)) + Array("{}".utf8)) != nil)
        var limits = CheckpointLimits()
        limits.maxHeaderBytes = 10
        let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        #expect(refusal(safetensors(header), limits: limits) == .limitExceeded(limit: "maxHeaderBytes", maximum: 10))
    }

    @Test("what the safetensors library passes over is passed over")
    func lenientHeaders() throws {
        let extra = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}}"#
        let null = #"{"__metadata__":null,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        for header in [extra, null] { #expect(try Checkpoint.read(safetensors(header)).stateDict.names == ["a"]) }
        #expect(refusal(safetensors("{}", data: [])) == .noWeights(found: "the file holds no tensors"))
    }

    @Test("an unknown element type is reported, not dropped in silence")
    func unknownType() throws {
        let header =
            #"{"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
        let summary = try Checkpoint.read(safetensors(header)).summary
        #expect(summary.unsupported.map(\.name) == ["a"])
        #expect(summary.unsupported.map(\.bytes) == [4])
    }

    // MARK: Legacy streams

    @Test("every way to cut a legacy stream short is refused")
    func truncatedLegacy() throws {
        let file = try golden("built-legacy-python2.pth")
        for count in 0..<file.count { #expect(refusal(Array(file.prefix(count))) != nil) }
    }

    @Test("bytes after the last storage are refused")
    func bytesAfterLegacy() throws {
        #expect(refusal(try golden("built-legacy-python2.pth") + [0]) != nil)
    }

    @Test("a storage of another length than declared is refused")
    func legacyStorageLength() throws {
        var file = try golden("built-legacy-python2.pth")
        file[file.count - 20] = 2
        #expect(refusal(file) == .storageLength(key: "139", expected: 12, actual: 8))
        file.replaceSubrange((file.count - 20)..<(file.count - 12), with: le(Int64.max))
        #expect(refusal(file) == .storageLength(key: "139", expected: 12, actual: Int.max))
        file.replaceSubrange((file.count - 20)..<(file.count - 12), with: le(Int64(-3)))
        #expect(refusal(file) != nil)
    }

    // MARK: Tars

    private func tar(_ name: String, type: UInt8 = 0x30, data: [UInt8] = [], magic: String = "ustar\u{0}00") -> [UInt8]
    {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000644\u{0}", at: 100)
        let size = String(data.count, radix: 8)
        put(String(repeating: "0", count: 11 - size.count) + size, at: 124)
        put("        ", at: 148)
        block[156] = type
        put(magic, at: 257)
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ", at: 148)
        return block + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
    }

    private let end = [UInt8](repeating: 0, count: 1024)
    private var checkpoint: [UInt8] { torchArchive(pickle: PickleBuilder.stateDict()).build() }

    @Test("a checkpoint in a tar is read")
    func soundTar() throws {
        let file = tar("folder/", type: 0x35) + tar("folder/weights", data: checkpoint) + end
        #expect(try Checkpoint.read(file).summary.wrappers == ["tar: folder/weights"])
    }

    @Test(
        "links and devices in a tar are passed over, and can't be chosen",
        arguments: [0x31, 0x32, 0x33, 0x34, 0x36, 0x53] as [UInt8])
    func tarLinks(type: UInt8) throws {
        let file = tar("x", type: type) + tar("w", data: checkpoint) + end
        let passedOver = try Checkpoint.read(file).summary.passedOver
        #expect(passedOver.count == 1 && passedOver[0].hasPrefix("x: "))
        #expect(throws: CheckpointError.missingEntry("x")) {
            try Checkpoint.read(file, selection: WeightsSelection(member: "x"))
        }
    }

    @Test("names in a tar that differ by case only are passed over")
    func tarCase() throws {
        let file = tar("w", data: checkpoint) + tar("README") + tar("Readme") + end
        #expect(try Checkpoint.read(file).summary.passedOver.count == 1)
    }

    @Test("names in a tar that leave it or clash are refused", arguments: ["/abs", "../up", "a/../../b", "w"])
    func tarNames(name: String) {
        #expect(refusal(tar("w", data: checkpoint) + tar(name) + end) != nil)
    }

    @Test("two checkpoints in a tar need a choice")
    func tarChoice() throws {
        let file = tar("a.pth", data: checkpoint) + tar("b.pth", data: checkpoint) + end
        #expect(refusal(file) == .memberChoice(candidates: ["a.pth", "b.pth"]))
        #expect(try Checkpoint.read(file, selection: WeightsSelection(member: "b.pth")).stateDict.count == 1)
    }

    @Test("a tar in a tar, and bytes after the end, are refused")
    func tarOddities() {
        let inner = tar("w", data: checkpoint) + end
        #expect(refusal(tar("inner.tar", data: inner) + end) != nil)
        #expect(refusal(inner + [1]) != nil)
    }

    @Test("a member that reaches beyond the tar is refused")
    func truncatedTar() {
        let file = tar("w", data: checkpoint)
        #expect(refusal(Array(file.dropLast(512))) != nil)
    }

    @Test("every way to cut the first tar format short is refused")
    func truncatedTorchTar() throws {
        let file = try golden("built-torch-tar.pth")
        let end = try #require(file.lastIndex { $0 != 0 })
        for count in stride(from: 0, to: end, by: 7) { #expect(refusal(Array(file.prefix(count))) != nil) }
    }

    @Test("a gzip bomb stops at the limit")
    func gzipBomb() throws {
        let bomb = try golden("wrapped-tar-gz.tar")
        var limits = CheckpointLimits()
        limits.maxUnpackedBytes = 1000
        #expect(refusal(bomb, limits: limits) == .limitExceeded(limit: "maxUnpackedBytes", maximum: 1000))
    }

    @Test("a damaged or shortened gzip file is refused")
    func damagedGzip() throws {
        let file = try golden("wrapped-tar-gz.tar")
        #expect(refusal(Array(file.dropLast())) != nil)
        var damaged = file
        damaged[damaged.count - 6] ^= 1
        #expect(refusal(damaged) != nil)
        #expect(refusal(file + [1, 2, 3]) != nil)
    }

    @Test(
        "formats that are known and not read are named",
        arguments: [("PYTORCH1xxxx", "preview"), ("BZh9xxxx", "bzip2"), ("GGUFxxxx", "GGUF")])
    func namedFormats(start: String, name: String) throws {
        let error = try #require(refusal(Array(start.utf8)))
        #expect("\(error)".contains(name))
    }

    @Test("a file that is nothing of the kind is refused with its first bytes")
    func unknownFiles() {
        #expect(refusal([]) == .unknownFormat(firstBytes: []))
        #expect(refusal(Array("hello".utf8)) == .unknownFormat(firstBytes: Array("hello".utf8)))
    }
}
