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
        _ plan: TensorPlan, mapping: MappedFile?, counts: inout UnusualValues,
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
            let count = piece.count / sourceType.byteCount * plan.elementType.byteCount
            if scratch.count < count { scratch = [UInt8](repeating: 0, count: count) }
            try scratch.withUnsafeMutableBytes { output in
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
