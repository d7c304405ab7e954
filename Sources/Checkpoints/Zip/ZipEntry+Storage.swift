// SPDX-License-Identifier: MIT

import Compression
import Synchronization
import SystemCalls

extension ZipEntry {
    /// The entry as the bytes that tensors stand on. Stored bytes stay where they are, unread; deflated ones, which PyTorch
    /// never writes but opens, are unpacked into a file without a name, and their checksum is verified.
    ///
    /// - Throws: ``CheckpointError``; `SystemError` where the temporary file cannot be written.
    func storage(key: String, isBigEndian: Bool = false, limits: CheckpointLimits) throws -> StoredBytes {
        guard method == .deflated else {
            return StoredBytes(key: key, region: data, isBigEndian: isBigEndian, checksum: checksum)
        }
        return StoredBytes(key: key, region: try unpacked(limits: limits), isBigEndian: isBigEndian)
    }

    /// The unpacked bytes, their checksum verified: in memory where they are few.
    ///
    /// - Throws: ``CheckpointError``; `SystemError`.
    func unpacked(limits: CheckpointLimits) throws -> ByteRegion {
        let inMemory = 1 << 16
        if method == .stored || byteCount <= inMemory {
            return try verifiedContents(maxBytes: max(inMemory, byteCount), limit: "maxUnpackedBytes")
        }
        try unpacking.spend(byteCount, packed: data.count, limits: limits)
        let file = try TemporaryFile()
        var computed = CRC32()
        try Inflate.forEachPiece(of: data, count: byteCount, part: name) { piece in
            computed.update(piece)
            try file.write(piece)
        }
        guard computed.value == checksum else {
            throw CheckpointError.checksumMismatch(entry: name, expected: checksum, actual: computed.value)
        }
        let mapping = try file.mapped()
        return ByteRegion(owner: mapping, bytes: mapping.bytes)
    }

    /// The first bytes, unpacked, their checksum not verified: enough to tell what the entry is.
    func beginning() -> ByteRegion {
        let count = 1024
        guard method == .deflated else { return data.slice(at: 0, count: min(count, data.count)) ?? data }
        var bytes = [UInt8](repeating: 0, count: min(count, byteCount))
        let given = bytes.withUnsafeMutableBytes { InflateStream(.none)?.unpack(data.bytes, into: $0)?.given ?? 0 }
        return ByteRegion(copying: bytes[..<given])
    }
}

/// How much has been unpacked of an archive into files: bounded, whatever the archive holds.
package final class UnpackingBudget: Sendable {
    private let spent = Mutex((packed: 0, unpacked: 0))

    /// Takes note of one more entry.
    ///
    /// - Throws: `CheckpointError.limitExceeded`.
    func spend(_ count: Int, packed: Int, limits: CheckpointLimits) throws {
        let total = spent.withLock { spent in
            // Each is at most the size of the archive times deflate's best, or the limit below: no sum overflows.
            spent = (spent.packed + packed, spent.unpacked.addingReportingOverflow(count).partialValue)
            return spent
        }
        guard total.unpacked >= 0, total.unpacked <= limits.maxUnpackedBytes else {
            throw CheckpointError.limitExceeded(limit: "maxUnpackedBytes", maximum: limits.maxUnpackedBytes)
        }
        let free = 64 << 20
        guard total.unpacked <= free || (total.unpacked - free) / max(1, limits.maxCompressionRatio) <= total.packed
        else {
            throw CheckpointError.limitExceeded(limit: "maxCompressionRatio", maximum: limits.maxCompressionRatio)
        }
    }
}
