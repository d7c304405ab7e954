// SPDX-License-Identifier: MIT

import Compression
import Synchronization
import SystemCalls

extension StoredBytes {
    /// Bytes that a thread takes at a time.
    private static let partBytes = 1 << 20

    /// Reads all bytes of storages and compares them with the checksums that the file states for them, on all cores.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`, of the first one that differs.
    static func verifyChecksums(of storages: [StoredBytes]) throws {
        let parts = storages.indices.flatMap { storage in
            let region = storages[storage].region
            return stride(from: 0, to: region.count, by: partBytes).compactMap { offset in
                region.slice(at: offset, count: min(partBytes, region.count - offset)).map {
                    (storage: storage, region: $0)
                }
            }
        }
        let sums = Mutex([UInt32](repeating: 0, count: parts.count))
        try Thread.forEach(count: parts.count, threads: parts.count > 1 ? CoreCount.current().usable : 1) { index in
            let sum = parts[index].region.crc32
            sums.withLock { $0[index] = sum }
        }
        var checksums = [CRC32](repeating: CRC32(), count: storages.count)
        for (part, sum) in zip(parts, sums.withLock(\.self)) {
            checksums[part.storage].append(sum, ofBytes: part.region.count)
        }
        for (storage, checksum) in zip(storages, checksums) { try storage.verify(checksum.value) }
    }
}
