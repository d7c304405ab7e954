// SPDX-License-Identifier: MIT

import SystemCalls
import Tensors

/// Reads tensors once, piece by piece, doing on the way all that is done to each piece.
struct TensorPass {
    /// Storages whose checksum was found right.
    private var verified: Set<String> = []
    private static let pieceBytes = 1 << 20

    /// Reads one tensor.
    ///
    /// - Parameters:
    ///   - mapping: The file; its pages are fetched ahead and given back.
    ///   - counts: Grows by the values of note.
    ///   - body: Gets the elements in the type that the plan asks for.
    /// - Throws: `CheckpointError.checksumMismatch`, after the last piece; whatever `body` throws.
    mutating func run(
        _ plan: TensorPlan, mapping: MappedFile?, counts: inout TensorStatistics,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let tensor = plan.source
        guard let sourceType = tensor.type.elementType else { return }
        // A tensor that is all of its storage is verified on the way, any other beforehand.
        let isWhole = tensor.plainBytes?.count == tensor.storage.region.count
        var checksum = CRC32()
        let expected = verified.contains(tensor.storage.key) ? nil : tensor.storage.checksum
        if !isWhole, let expected { try verify(tensor.storage, expected, mapping: mapping) }

        let conversion = ElementConversion(from: sourceType, to: plan.elementType)
        var window = PageWindow(mapping: mapping)
        var scratch = [UInt8]()
        try tensor.forEachPiece(of: Self.pieceBytes) { piece in
            window.enter(piece)
            if isWhole, expected != nil { checksum.update(piece) }
            counts.count(piece, as: sourceType)
            guard let conversion else { return try body(piece) }
            scratch.append(
                contentsOf: repeatElement(0, count: max(0, piece.count / sourceType.byteCount * plan.elementType.byteCount - scratch.count)))
            try scratch.withUnsafeMutableBytes { output in
                let count = piece.count / sourceType.byteCount * plan.elementType.byteCount
                let target = UnsafeMutableRawBufferPointer(rebasing: output[..<count])
                counts.overflowCount += conversion.convert(piece, into: target)
                try body(UnsafeRawBufferPointer(target))
            }
        }
        window.leave()
        if isWhole, let expected { try check(tensor.storage, checksum, expected) }
    }

    private mutating func verify(_ storage: StoredBytes, _ expected: UInt32, mapping: MappedFile?) throws {
        var checksum = CRC32()
        var window = PageWindow(mapping: mapping)
        for start in stride(from: 0, to: storage.region.count, by: Self.pieceBytes) {
            let count = min(Self.pieceBytes, storage.region.count - start)
            let piece = UnsafeRawBufferPointer(rebasing: storage.region.bytes[start..<(start + count)])
            window.enter(piece)
            checksum.update(piece)
        }
        window.leave()
        try check(storage, checksum, expected)
    }

    private mutating func check(_ storage: StoredBytes, _ checksum: CRC32, _ expected: UInt32) throws {
        guard checksum.value == expected else {
            throw CheckpointError.checksumMismatch(
                entry: "storage \(storage.key)", expected: expected, actual: checksum.value)
        }
        verified.insert(storage.key)
    }
}

/// Keeps few pages of a mapped file in memory while it is read forwards.
private struct PageWindow {
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
