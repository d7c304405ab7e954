// SPDX-License-Identifier: MIT

import Tensors

extension StoredTensor {
    /// Calls `body` with the elements in row-major order, little-endian, piece by piece.
    ///
    /// Bytes that need no change are handed out where they stand; others are gathered into a scratch buffer.
    ///
    /// - Parameter pieceBytes: Most bytes of one piece, at least one element's.
    package func forEachPiece(of pieceBytes: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        let elementsPerPiece = max(1, pieceBytes / type.byteCount)
        if let plain = plainBytes {
            let step = elementsPerPiece * type.byteCount
            for start in stride(from: 0, to: plain.count, by: step) {
                try body(UnsafeRawBufferPointer(rebasing: plain.bytes[start..<min(start + step, plain.count)]))
            }
            return
        }
        let scratch = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(elementsPerPiece, elementCount) * type.byteCount, alignment: 64)
        defer { scratch.deallocate() }
        var cursor = ElementCursor(sizes: sizes, strides: strides)
        for start in stride(from: 0, to: elementCount, by: elementsPerPiece) {
            let count = min(elementsPerPiece, elementCount - start)
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<(count * type.byteCount)])
            gather(&cursor, into: piece)
            try body(UnsafeRawBufferPointer(piece))
        }
    }

    private func gather(_ cursor: inout ElementCursor, into piece: UnsafeMutableRawBufferPointer) {
        let bytes = storage.region.bytes
        switch type.byteCount {
        case 1: gather(UInt8.self, &cursor, bytes, piece)
        case 2: gather(UInt16.self, &cursor, bytes, piece)
        case 4: gather(UInt32.self, &cursor, bytes, piece)
        case 8 where type == .complex64 && storage.isBigEndian:
            gather(UInt64.self, &cursor, bytes, piece)
            swapHalves(piece)
        case 16: gatherPairs(&cursor, bytes, piece)
        default: gather(UInt64.self, &cursor, bytes, piece)
        }
        if isNegated { negate(piece) }
    }

    private func gather<Element: FixedWidthInteger & BitwiseCopyable>(
        _ element: Element.Type, _ cursor: inout ElementCursor, _ bytes: UnsafeRawBufferPointer,
        _ piece: UnsafeMutableRawBufferPointer
    ) {
        let size = MemoryLayout<Element>.size
        for index in 0..<(piece.count / size) {
            let value = bytes.loadUnaligned(fromByteOffset: byteOffset + cursor.offset * size, as: Element.self)
            piece.storeBytes(
                of: storage.isBigEndian ? value.byteSwapped : value, toByteOffset: index * size, as: Element.self)
            cursor.advance()
        }
    }

    /// Complex numbers of two Doubles.
    private func gatherPairs(
        _ cursor: inout ElementCursor, _ bytes: UnsafeRawBufferPointer, _ piece: UnsafeMutableRawBufferPointer
    ) {
        for index in 0..<(piece.count / 16) {
            for half in [0, 8] {
                let value = bytes.loadUnaligned(fromByteOffset: byteOffset + cursor.offset * 16 + half, as: UInt64.self)
                piece.storeBytes(
                    of: storage.isBigEndian ? value.byteSwapped : value, toByteOffset: index * 16 + half,
                    as: UInt64.self)
            }
            cursor.advance()
        }
    }

    /// Puts the two Floats of complex numbers back in order: only each of them was to be swapped.
    private func swapHalves(_ piece: UnsafeMutableRawBufferPointer) {
        for offset in stride(from: 0, to: piece.count, by: 8) {
            let value = piece.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            piece.storeBytes(of: value << 32 | value >> 32, toByteOffset: offset, as: UInt64.self)
        }
    }

    /// Flips the sign bits; the `neg` bit occurs only with floating-point tensors.
    private func negate(_ piece: UnsafeMutableRawBufferPointer) {
        for signByte in stride(from: type.byteCount - 1, to: piece.count, by: type.byteCount) {
            piece[signByte] ^= 0x80
        }
    }

    /// The tensor in SwiftNet's terms: standing in the file where its bytes are plain and aligned, else in its own memory.
    ///
    /// - Throws: `CheckpointError.invalidTensor` for an element type without a counterpart.
    package func tensor(named name: String) throws -> Tensor {
        guard unsupported == nil, let elementType else {
            throw CheckpointError.invalidTensor(name: name, reason: unsupported ?? "elements of type \(typeName)")
        }
        let shape = try Shape(checking: sizes)
        if let dequantisation = Dequantisation(self) {
            let storage = TensorStorage(byteCount: elementCount * 4) { buffer in
                var first = 0
                forEachPiece { piece in
                    let count = piece.count / type.byteCount
                    let target = UnsafeMutableRawBufferPointer(rebasing: buffer[(4 * first)..<(4 * (first + count))])
                    dequantisation.convert(piece, at: first, into: target)
                    first += count
                }
            }
            return try Tensor(shape: shape, elementType: elementType, storage: storage)
        }
        if let plain = plainBytes, Int(bitPattern: plain.bytes.baseAddress).isMultiple(of: type.byteCount) {
            return try Tensor(
                shape: shape, elementType: elementType,
                storage: TensorStorage(borrowing: plain.bytes, owner: plain.owner))
        }
        let storage = TensorStorage(byteCount: byteCount) { buffer in
            var offset = 0
            forEachPiece { piece in
                UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<(offset + piece.count)]).copyMemory(from: piece)
                offset += piece.count
            }
        }
        return try Tensor(shape: shape, elementType: elementType, storage: storage)
    }
}

/// Walks the elements of a strided tensor in row-major order.
private struct ElementCursor {
    private let sizes: [Int]
    private let strides: [Int]
    private var index: [Int]
    /// The present element, counted from the tensor's first.
    private(set) var offset = 0

    init(sizes: [Int], strides: [Int]) {
        self.sizes = sizes
        self.strides = strides
        index = Array(repeating: 0, count: sizes.count)
    }

    mutating func advance() {
        for dimension in sizes.indices.reversed() {
            index[dimension] += 1
            offset += strides[dimension]
            if index[dimension] < sizes[dimension] { return }
            offset -= sizes[dimension] * strides[dimension]
            index[dimension] = 0
        }
    }
}
