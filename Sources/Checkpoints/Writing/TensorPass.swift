// SPDX-License-Identifier: MIT

import Compression
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
        // A tensor that is all of its storage is verified on the way, any other beforehand.
        let isWhole = tensor.plainBytes?.count == storage.region.count
        let isNew = verified.insert(storage.key).inserted
        if isNew && !isWhole { try storage.verifyChecksum() }

        let conversion = tensor.elementType.flatMap { source in
            plan.type.elementType.flatMap { ElementConversion(from: source, to: $0) }
        }
        let dequantisation = Dequantisation(tensor)
        var first = 0
        var (checksum, converted) = (CRC32(), CRC32())
        var window = PageWindow(storage.region)
        try tensor.forEachPiece(of: PageWindow.pieceBytes) { piece in
            window.enter(piece)
            checksum.update(piece)
            guard let dequantisation else {
                if let type = tensor.type.elementType { counts.count(piece, as: type) }
                guard let conversion else { return try body(piece) }
                return try convert(piece, conversion, &counts, &converted, body)
            }
            let count = piece.count / tensor.type.byteCount
            let numbers = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * count, alignment: 64)
            defer { numbers.deallocate() }
            dequantisation.convert(piece, at: first, into: numbers)
            first += count
            let floats = UnsafeRawBufferPointer(numbers)
            counts.count(floats, as: .float32)
            if let conversion { return try convert(floats, conversion, &counts, &converted, body) }
            converted.update(floats)
            try body(floats)
        }
        window.leave()
        if isNew && isWhole { try storage.verify(checksum.value) }
        return conversion == nil && dequantisation == nil ? checksum.value : converted.value
    }

    /// Hands elements on in another floating-point type.
    private mutating func convert(
        _ piece: UnsafeRawBufferPointer, _ conversion: ElementConversion, _ counts: inout UnusualValues,
        _ converted: inout CRC32, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let count = piece.count / conversion.source.byteCount * conversion.target.byteCount
        if scratch.count < count { scratch = [UInt8](repeating: 0, count: count) }
        try scratch.withUnsafeMutableBytes { output in
            let target = UnsafeMutableRawBufferPointer(rebasing: output[..<count])
            counts.overflowCount += conversion.convert(piece, into: target)
            converted.update(UnsafeRawBufferPointer(target))
            try body(UnsafeRawBufferPointer(target))
        }
    }
}
