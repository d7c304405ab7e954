// SPDX-License-Identifier: MIT

import Compression
import SystemCalls

/// Keeps few pages of a mapped file in memory while it is read forwards.
struct PageWindow {
    /// How much is read at a time: so much stays in the processor's cache for all that is done to it.
    static let pieceBytes = 1 << 19

    private let mapping: MappedFile?
    private var last: Range<Int>?

    /// A window on the file that the bytes stand in, if they stand in one.
    init(_ region: ByteRegion) {
        mapping = region.owner as? MappedFile
    }

    /// Fetches the pages of a piece, and gives those of the piece before it back.
    mutating func enter(_ piece: UnsafeRawBufferPointer) {
        leave()
        guard let mapping, let base = mapping.bytes.baseAddress, let start = piece.baseAddress, start >= base,
            start + piece.count <= base + mapping.bytes.count
        else { return }
        let offset = start - base
        last = offset..<(offset + piece.count)
        mapping.prefetch(offset..<(offset + piece.count))
    }

    mutating func leave() {
        if let last { mapping?.discard(last) }
        last = nil
    }
}

extension ByteRegion {
    /// Gives back the pages of the file that were touched so far. To be called now and then while places all over a file
    /// are read: the kernel maps more than is touched.
    func discardPages() { (owner as? MappedFile)?.discardAll() }

    /// Calls `body` with the bytes in order, piece by piece, few of them in memory at a time.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        var window = PageWindow(self)
        defer { window.leave() }
        for start in stride(from: 0, to: count, by: PageWindow.pieceBytes) {
            let piece = UnsafeRawBufferPointer(
                rebasing: bytes[start..<(start + min(PageWindow.pieceBytes, count - start))])
            window.enter(piece)
            try body(piece)
        }
    }

    /// The CRC-32 of the bytes.
    var crc32: UInt32 {
        var checksum = CRC32()
        forEachPiece { checksum.update($0) }
        return checksum.value
    }
}
