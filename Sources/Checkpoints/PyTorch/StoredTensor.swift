// SPDX-License-Identifier: MIT

import Tensors

/// Bytes that one or more tensors stand on, as a file stores them.
package struct StoredBytes: Sendable {
    /// What the file calls them: equal keys are the same storage.
    package let key: String
    package let region: ByteRegion
    /// Elements stand most significant byte first.
    package var isBigEndian = false
    /// The checksum that the file states for the whole region.
    package var checksum: UInt32?

    /// The same bytes under another key.
    func renamed(_ key: String) -> StoredBytes {
        StoredBytes(key: key, region: region, isBigEndian: isBigEndian, checksum: checksum)
    }

    /// Reads all bytes and compares them with the checksum that the file states, if it states one.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`.
    func verifyChecksum() throws {
        if checksum != nil { try verify(region.crc32) }
    }

    /// Compares the checksum that was computed with the one that the file states.
    ///
    /// - Throws: `CheckpointError.checksumMismatch`.
    func verify(_ computed: UInt32) throws {
        guard let checksum, checksum != computed else { return }
        throw CheckpointError.checksumMismatch(entry: "storage \(key)", expected: checksum, actual: computed)
    }
}

/// A tensor as a file describes it: a view of a storage, checked to lie within it.
package struct StoredTensor: Sendable {
    package internal(set) var storage: StoredBytes
    package let type: TorchType
    /// Sizes, outermost dimension first.
    package let sizes: [Int]
    /// Steps between neighbours along each dimension, in elements.
    package let strides: [Int]
    /// Where the first element stands, in bytes from the start of the storage.
    package let byteOffset: Int
    /// The values are to be read with the opposite sign (PyTorch's `neg` bit).
    package var isNegated = false
    /// Why the tensor is not taken as it is, for example that it is quantised.
    package var unsupported: String?
    /// What quantised elements stand for.
    package var quantisation: Quantisation?
    /// The element type and the shape of a safetensors file, where SwiftNet has no such type: the bytes are then described as
    /// a row of ``TorchType/uint8``.
    package var foreign: ForeignElements?
    /// It was a NumPy array.
    package var isArray = false

    /// Number of elements; it and its bytes are known to fit in an Int.
    package let elementCount: Int

    package var byteCount: Int { elementCount * type.byteCount }

    /// The type as SwiftNet's tensors know it, once dequantised; nil where they know none.
    package var elementType: ElementType? {
        if foreign != nil { return nil }
        return quantisation == nil ? type.elementType : .float32
    }

    /// The type's name, for people.
    package var typeName: String { foreign?.typeName ?? type.rawValue }

    /// The shape, for people.
    package var shownSizes: [Int] { foreign?.sizes ?? sizes }

    /// - Parameters:
    ///   - offset: In elements from the start of the storage.
    /// - Throws: `CheckpointError.invalidTensor` unless the tensor describes itself soundly and lies in its storage.
    package init(storage: StoredBytes, type: TorchType, offset: Int, sizes: [Int], strides: [Int], maxRank: Int) throws
    {
        func refuse(_ reason: String) -> CheckpointError {
            .invalidTensor(name: "storage \(storage.key)", reason: reason)
        }
        guard sizes.count == strides.count else { throw refuse("\(sizes.count) sizes and \(strides.count) strides") }
        guard sizes.count <= maxRank else { throw CheckpointError.limitExceeded(limit: "maxRank", maximum: maxRank) }
        guard offset >= 0, sizes.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
            throw refuse("a negative size, stride or offset")
        }
        guard let count = Self.product(sizes), !count.multipliedReportingOverflow(by: type.byteCount).overflow else {
            throw refuse("sizes \(sizes) whose product overflows")
        }
        if count > 0 {
            guard let last = Self.lastIndex(offset: offset, sizes: sizes, strides: strides) else {
                throw refuse("offset, sizes and strides that overflow")
            }
            let held = storage.region.count / type.byteCount
            guard last < held else { throw refuse("it reaches element \(last) of a storage of \(held)") }
        }
        self.storage = storage
        self.type = type
        self.sizes = sizes
        self.strides = strides
        self.byteOffset = count == 0 ? 0 : offset * type.byteCount
        self.elementCount = count
    }

    /// The elements stand one after another in row-major order.
    package var isContiguous: Bool {
        guard elementCount > 1 else { return true }
        var expected = 1
        for (size, stride) in zip(sizes, strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }

    /// The bytes of a contiguous tensor that need no change, as they stand in the file.
    package var plainBytes: ByteRegion? {
        guard isContiguous, !isNegated, !storage.isBigEndian || type.byteCount == 1 else { return nil }
        return storage.region.slice(at: byteOffset, count: byteCount)
    }

    /// What makes two tensors the same view of the same storage.
    package var identity: StoredTensorIdentity {
        StoredTensorIdentity(
            storage: storage.key, type: type, byteOffset: byteOffset, elementCount: elementCount,
            layout: isContiguous ? [] : sizes + strides, isNegated: isNegated, quantisation: quantisation)
    }

    /// The row-major strides of `sizes`, as PyTorch counts them: an empty dimension counts as one.
    package static func rowMajorStrides(_ sizes: [Int]) -> [Int] {
        var strides: [Int] = []
        var step = 1
        for size in sizes.reversed() {
            strides.append(step)
            step = step.multipliedReportingOverflow(by: max(size, 1)).partialValue
        }
        return strides.reversed()
    }

    private static func product(_ sizes: [Int]) -> Int? {
        var product = 1
        for size in sizes {
            let (value, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            if overflow { return nil }
            product = value
        }
        return sizes.contains(0) ? 0 : product
    }

    /// The storage index of the element furthest from the start, or nil where it cannot be counted.
    private static func lastIndex(offset: Int, sizes: [Int], strides: [Int]) -> Int? {
        var last = offset
        for (size, stride) in zip(sizes, strides) {
            let (reach, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(reach)
            if overflow || sumOverflow { return nil }
            last = sum
        }
        return last
    }
}

/// Tensors with equal identities have the same elements in the same order.
package struct StoredTensorIdentity: Hashable, Sendable {
    let storage: String
    let type: TorchType
    let byteOffset: Int
    let elementCount: Int
    let layout: [Int]
    let isNegated: Bool
    var quantisation: Quantisation?
}

/// An element type that only safetensors knows.
package struct ForeignElements: Sendable, Hashable {
    package let typeName: String
    package let sizes: [Int]
}

/// How quantised elements become numbers: `(element - zero point) * scale`.
package struct Quantisation: Sendable, Hashable {
    /// One for all elements, or one for each index along ``axis``.
    package let scales: [Double]
    package let zeroPoints: [Double]
    /// Nil where there is one scale.
    package let axis: Int?
}
