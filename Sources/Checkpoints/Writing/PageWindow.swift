// SPDX-License-Identifier: MIT

import SystemCalls

/// Keeps few pages of a mapped file in memory while it is read forwards.
struct PageWindow {
    private let mapping: MappedFile?
    private var last: Range<Int>?

    init(mapping: MappedFile?) {
        self.mapping = mapping
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
