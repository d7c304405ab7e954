// SPDX-License-Identifier: MIT

import Compression
import SystemCalls

/// Unpacks a gzip file into a temporary file, within the limits on size and ratio.
enum Gunzip {
    /// - Throws: ``CheckpointError``; `SystemError` where the temporary file cannot be written.
    static func unpack(_ file: ByteRegion, limits: CheckpointLimits) throws -> ByteRegion {
        let output = try TemporaryFile()
        guard let stream = InflateStream(.gzip) else { throw malformed(at: 0, "zlib does not start") }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var (consumed, produced) = (0, 0)
        var isComplete = false
        while consumed < file.count || !isComplete {
            // Another member may follow at once.
            if isComplete, !stream.restart() { throw malformed(at: consumed, "zlib does not start again") }
            let input = UnsafeRawBufferPointer(
                rebasing: file.bytes[consumed..<min(file.count, consumed + buffer.count)])
            guard let step = stream.unpack(input, into: buffer) else {
                throw malformed(at: consumed, "a damaged or truncated gzip stream")
            }
            consumed += step.taken
            produced += step.given
            isComplete = step.isComplete
            try check(consumed: consumed, produced: produced, limits: limits)
            try output.write(UnsafeRawBufferPointer(rebasing: buffer[..<step.given]))
        }
        let mapping = try output.mapped()
        return ByteRegion(owner: mapping, bytes: mapping.bytes)
    }

    private static func check(consumed: Int, produced: Int, limits: CheckpointLimits) throws {
        guard produced <= limits.maxUnpackedBytes else {
            throw CheckpointError.limitExceeded(limit: "maxUnpackedBytes", maximum: limits.maxUnpackedBytes)
        }
        let free = 64 << 20
        if produced > free, (produced - free) / max(1, limits.maxCompressionRatio) > consumed {
            throw CheckpointError.limitExceeded(limit: "maxCompressionRatio", maximum: limits.maxCompressionRatio)
        }
    }

    private static func malformed(at offset: Int, _ reason: String) -> CheckpointError {
        .malformed(part: "gzip", offset: offset, reason: reason)
    }
}
