// SPDX-License-Identifier: MIT

import CZlib
import SystemCalls

/// Unpacks a gzip file into a temporary file, within the limits on size and ratio.
enum Gunzip {
    /// - Throws: ``CheckpointError``; `SystemError` where the temporary file cannot be written.
    static func unpack(_ file: ByteRegion, limits: CheckpointLimits) throws -> ByteRegion {
        let output = try TemporaryFile()
        var stream = z_stream()
        // 16 more than the window's bits: the gzip wrapper, with its checksum.
        guard inflateInit2_(&stream, MAX_WBITS + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw malformed(at: 0, "zlib does not start")
        }
        defer { inflateEnd(&stream) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var (consumed, produced) = (0, 0)
        var isComplete = false
        while consumed < file.count || !isComplete {
            if isComplete {
                // Another member may follow at once.
                guard inflateReset(&stream) == Z_OK else { throw malformed(at: consumed, "zlib does not start again") }
                isComplete = false
            }
            let input = min(file.count - consumed, 1 << 20)
            stream.next_in = file.bytes.baseAddress.map {
                UnsafeMutablePointer(mutating: ($0 + consumed).assumingMemoryBound(to: UInt8.self))
            }
            stream.avail_in = UInt32(input)
            stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(buffer.count)
            let status = inflate(&stream, Z_NO_FLUSH)
            let (taken, given) = (input - Int(stream.avail_in), buffer.count - Int(stream.avail_out))
            consumed += taken
            produced += given
            guard status == Z_OK || status == Z_STREAM_END, taken + given > 0 else {
                throw malformed(at: consumed, "a damaged or truncated gzip stream")
            }
            try check(consumed: consumed, produced: produced, limits: limits)
            try output.write(UnsafeRawBufferPointer(rebasing: buffer[..<given]))
            isComplete = status == Z_STREAM_END
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
