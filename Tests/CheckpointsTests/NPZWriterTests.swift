// SPDX-License-Identifier: MIT

import Compression
import SystemCalls
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("NPZWriter")
struct NPZWriterTests {
    @Test("arrays are entries of a sound archive, with numpy's header at a multiple of 64 before their bytes")
    func writesArrays() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "arrays.npz").path
        var writer = NPZWriter(try OutputFile(path, existing: .refuse))
        try writer.add("map", Tensor([1, -2, 3, 4, 5, 6], shape: [1, 2, 3]))
        try writer.add("map", Tensor([7], shape: []))
        let integers = try Tensor(
            shape: [2], elementType: .int64, storage: TensorStorage(byteCount: 16) { $0[0] = 9 })
        try writer.add("a.jpg/indices", integers)
        try writer.finish()

        let archive = try ZipArchive(ByteRegion(copying: try #require(readFile(path))), limits: CheckpointLimits())
        #expect(archive.entries.map(\.name) == ["map.npy", "map#2.npy", "a.jpg/indices.npy"])
        let headers = [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3,), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
            "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }",
        ]
        for (entry, header) in zip(archive.entries, headers) {
            let bytes = Array(entry.data.bytes)
            #expect(bytes.prefix(8) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
            let length = Int(bytes[8]) | Int(bytes[9]) << 8
            #expect((length + 10) % 64 == 0)
            let text = String(decoding: bytes[10..<(10 + length)], as: UTF8.self)
            #expect(text.hasPrefix(header) && text.hasSuffix("\n"))
            #expect(CRC32.of(entry.data.bytes) == entry.checksum)
        }
        #expect(archive.entries[0].data.count == 128 + 24)
        #expect(archive.entries[2].data.bytes[128] == 9)
    }

    @Test("bfloat16, which numpy lacks, is widened")
    func widens() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "arrays.npz").path
        var writer = NPZWriter(try OutputFile(path, existing: .refuse))
        try writer.add(
            "x",
            try Tensor(
                shape: [1], elementType: .bfloat16,
                storage: TensorStorage(byteCount: 2) { ($0[0], $0[1]) = (0x80, 0x3F) }))
        try writer.finish()
        let archive = try ZipArchive(ByteRegion(copying: try #require(readFile(path))), limits: CheckpointLimits())
        #expect(Array(archive.entries[0].data.bytes.suffix(4)) == [0, 0, 0x80, 0x3F])
    }
}
