// SPDX-License-Identifier: MIT

import Compression
import Tensors

/// Unpacking of deflated archive entries whose size is known.
enum Inflate {
    /// Unpacks a raw deflate stream that must give exactly `count` bytes and end with its input.
    ///
    /// - Throws: `CheckpointError.malformed`.
    static func unpack(_ data: ByteRegion, to count: Int, part: String) throws -> ByteRegion {
        // Deflate packs at most 1032 to one: a size beyond that is a lie, found before memory is taken.
        guard count / 1032 <= data.count else {
            throw CheckpointError.malformed(
                part: part, offset: 0, reason: "\(data.count) packed bytes cannot give \(count)")
        }
        var offset = 0
        let storage = try TensorStorage(byteCount: count) { output in
            try forEachPiece(of: data, count: count, part: part) { piece in
                UnsafeMutableRawBufferPointer(rebasing: output[offset..<(offset + piece.count)]).copyMemory(from: piece)
                offset += piece.count
            }
        }
        return ByteRegion(storage)
    }

    /// Calls `body` with the unpacked bytes, in order; they must be exactly `count`, and the stream end with its input.
    ///
    /// - Throws: `CheckpointError.malformed`.
    static func forEachPiece(
        of data: ByteRegion, count: Int, part: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        func damaged(at offset: Int) -> CheckpointError {
            .malformed(part: part, offset: offset, reason: "a damaged deflate stream, or one of another size")
        }
        guard let stream = InflateStream(.none) else { throw damaged(at: 0) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
        defer { buffer.deallocate() }
        var (taken, given) = (0, 0)
        var isComplete = false
        while !isComplete {
            let rest = UnsafeRawBufferPointer(rebasing: data.bytes[taken...])
            guard let step = stream.unpack(rest, into: buffer), step.given <= count - given else {
                throw damaged(at: taken)
            }
            taken += step.taken
            given += step.given
            isComplete = step.isComplete
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<step.given]))
        }
        guard taken == data.count, given == count else { throw damaged(at: taken) }
    }
}

extension ZipEntry {
    /// The unpacked bytes, their checksum verified.
    ///
    /// - Throws: `CheckpointError.checksumMismatch` or `.limitExceeded`.
    package func verifiedContents(maxBytes: Int, limit: String) throws -> ByteRegion {
        guard byteCount <= maxBytes else { throw CheckpointError.limitExceeded(limit: limit, maximum: maxBytes) }
        let contents = method == .stored ? data : try Inflate.unpack(data, to: byteCount, part: name)
        try verify(contents.crc32)
        return contents
    }

    /// Reads the entry to its end, a piece at a time, and compares the checksum.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`, `.malformed`.
    package func verifyChecksum() throws {
        guard method == .deflated else { return try verify(data.crc32) }
        var checksum = CRC32()
        try Inflate.forEachPiece(of: data, count: byteCount, part: name) { checksum.update($0) }
        try verify(checksum.value)
    }

    private func verify(_ computed: UInt32) throws {
        guard computed == checksum else {
            throw CheckpointError.checksumMismatch(entry: name, expected: checksum, actual: computed)
        }
    }
}
