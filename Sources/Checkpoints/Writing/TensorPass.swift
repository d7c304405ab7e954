// SPDX-License-Identifier: MIT

import Tensors

/// Reads tensors once, piece by piece, doing on the way all that is done to each piece.
struct TensorPass {
    /// Storages whose checksum was found right.
    private var verified: Set<String> = []
    private var scratch: [UInt8] = []

    /// Reads one tensor.
    ///
    /// - Parameters:
    ///   - counts: Grows by the values of note.
    ///   - body: Gets the elements in the type that the plan asks for.
    /// - Returns: The CRC-32 of all that `body` got.
    /// - Throws: `CheckpointError.checksumMismatch`, after the last piece; whatever `body` throws.
    mutating func run(
        _ plan: TensorPlan, counts: inout UnusualValues, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> UInt32 {
        let tensor = plan.source
        let storage = tensor.storage
        guard let sourceType = tensor.type.elementType else { return 0 }
        // A tensor that is all of its storage is verified on the way, any other beforehand.
        let isWhole = tensor.plainBytes?.count == storage.region.count
        let isNew = verified.insert(storage.key).inserted
        if isNew && !isWhole { try storage.verifyChecksum() }

        let conversion = ElementConversion(from: sourceType, to: plan.elementType)
        var (checksum, converted) = (CRC32(), CRC32())
        var window = PageWindow(storage.region)
        try tensor.forEachPiece(of: PageWindow.pieceBytes) { piece in
            window.enter(piece)
            checksum.update(piece)
            counts.count(piece, as: sourceType)
            guard let conversion else { return try body(piece) }
            let count = piece.count / sourceType.byteCount * plan.elementType.byteCount
            if scratch.count < count { scratch = [UInt8](repeating: 0, count: count) }
            try scratch.withUnsafeMutableBytes { output in
                let target = UnsafeMutableRawBufferPointer(rebasing: output[..<count])
                counts.overflowCount += conversion.convert(piece, into: target)
                converted.update(UnsafeRawBufferPointer(target))
                try body(UnsafeRawBufferPointer(target))
            }
        }
        window.leave()
        if isNew && isWhole { try storage.verify(checksum.value) }
        return conversion == nil ? checksum.value : converted.value
    }
}
