// SPDX-License-Identifier: MIT

/// A shape, an element type and the bytes of the elements: contiguous, row-major, little-endian.
///
/// A value: copies share the bytes, which never change. Images are `[N, C, H, W]`, as in PyTorch; inside a network's run
/// the layers use channels-last buffers of their own.
public struct Tensor: Sendable {
    /// Sizes along the dimensions.
    public let shape: Shape
    /// Type of the elements.
    public let elementType: ElementType
    /// The bytes, and whatever keeps them.
    public let storage: TensorStorage
    /// Where the elements begin in the storage, in bytes. May be unaligned.
    public let byteOffset: Int
    /// The state dict that it was taken from, and its name there.
    package internal(set) var origin: StateDict.Origin?

    /// Describes elements that stand in a storage.
    ///
    /// - Throws: `TensorError.byteCount` if they would reach outside it.
    public init(shape: Shape, elementType: ElementType, storage: TensorStorage, byteOffset: Int = 0) throws {
        let (size, overflow) = shape.elementCount.multipliedReportingOverflow(by: elementType.byteCount)
        guard !overflow, byteOffset >= 0, byteOffset <= storage.bytes.count, size <= storage.bytes.count - byteOffset
        else {
            throw TensorError.byteCount(
                shape: shape, elementType: elementType, expected: overflow ? Int.max : size,
                actual: max(0, storage.bytes.count - max(0, byteOffset)))
        }
        self.shape = shape
        self.elementType = elementType
        self.storage = storage
        self.byteOffset = byteOffset
    }

    /// Copies Float32 elements, given in row-major order.
    ///
    /// - Precondition: There are as many values as the shape has elements.
    public init(_ values: [Float], shape: Shape) {
        precondition(values.count == shape.elementCount, "a tensor \(shape) cannot be made of \(values.count) values")
        self.init(shape: shape) { buffer in _ = buffer.initialize(from: values) }
    }

    /// Allocates Float32 elements, zeroed, and lets `initialize` write them.
    public init(shape: Shape, initialize: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
        self.shape = shape
        self.elementType = .float32
        self.byteOffset = 0
        self.storage = try TensorStorage(byteCount: shape.elementCount * 4) {
            try initialize($0.bindMemory(to: Float.self))
        }
    }

    /// Stands for Float32 weights that exist elsewhere, already prepared. Has no bytes: reading it traps.
    package init(placeholderOf shape: Shape) {
        self.shape = shape
        self.elementType = .float32
        self.storage = TensorStorage(byteCount: 0) { _ in }
        self.byteOffset = 0
    }

    /// Number of elements.
    public var elementCount: Int { shape.elementCount }

    /// Bytes that the elements take.
    public var byteCount: Int { shape.elementCount * elementType.byteCount }

    /// Whether it stands for weights that exist elsewhere, already prepared: it has no bytes.
    public var isPlaceholder: Bool { storage.bytes.count < byteCount }

    /// Whether the bytes stand in memory that another object owns, such as a mapped file.
    public var isBorrowed: Bool { storage.isBorrowed }

    /// Calls `body` with the bytes of the elements.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(storage) {
            try body(UnsafeRawBufferPointer(rebasing: storage.bytes[byteOffset..<(byteOffset + byteCount)]))
        }
    }

    /// The same elements under another shape.
    ///
    /// - Throws: `TensorError.elementCount` if the shape has another number of elements.
    public func reshaped(to shape: Shape) throws -> Tensor {
        guard shape.elementCount == elementCount else {
            throw TensorError.elementCount(shape: shape, expected: shape.elementCount, actual: elementCount)
        }
        var result = try Tensor(shape: shape, elementType: elementType, storage: storage, byteOffset: byteOffset)
        result.origin = origin
        return result
    }
}
