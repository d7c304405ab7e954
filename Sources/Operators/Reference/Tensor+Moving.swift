// SPDX-License-Identifier: MIT

import Tensors

extension Tensor {
    /// Elements of this tensor from other places, as they are.
    ///
    /// - Parameters:
    ///   - offsets: For each element of the result, in row-major order, which one of this tensor it is; `fill` where there is no
    ///     such element.
    ///   - shape: The result's shape.
    ///   - fill: The number where there is no element.
    func moved(_ offsets: some Sequence<Int>, to shape: Shape, fill: Double = 0) throws -> Tensor {
        let filling = try Tensor([fill], as: elementType, shape: [])
        switch elementType.byteCount {
        case 8: return try moved(offsets, shape, filling, as: UInt64.self)
        case 4: return try moved(offsets, shape, filling, as: UInt32.self)
        case 2: return try moved(offsets, shape, filling, as: UInt16.self)
        default: return try moved(offsets, shape, filling, as: UInt8.self)
        }
    }

    private func moved<Bits: BitwiseCopyable>(
        _ offsets: some Sequence<Int>, _ shape: Shape, _ fill: Tensor, as type: Bits.Type
    ) throws -> Tensor {
        let (size, count) = (MemoryLayout<Bits>.size, elementCount)
        let filling = fill.withUnsafeBytes { $0.loadUnaligned(as: type) }
        let storage = withUnsafeBytes { source in
            TensorStorage(byteCount: shape.elementCount * size) { target in
                for (index, offset) in zip(0..<shape.elementCount, offsets) {
                    let bits =
                        (0..<count).contains(offset)
                        ? source.loadUnaligned(fromByteOffset: offset * size, as: type) : filling
                    target.storeBytes(of: bits, toByteOffset: index * size, as: type)
                }
            }
        }
        return try Tensor(shape: shape, elementType: elementType, storage: storage)
    }

    /// This tensor with some elements replaced by those of another one of its type.
    ///
    /// - Parameter pairs: Which element here, and which of the other one takes its place; the last one wins, and one that names an
    ///   element that is not there does nothing.
    func replacing(_ pairs: some Sequence<(target: Int, source: Int)>, by other: Tensor) throws -> Tensor {
        let size = elementType.byteCount
        let storage = withUnsafeBytes { own in
            other.withUnsafeBytes { others in
                TensorStorage(byteCount: byteCount) { target in
                    target.copyMemory(from: own)
                    for pair in pairs
                    where (0..<elementCount).contains(pair.target) && (0..<other.elementCount).contains(pair.source) {
                        for byte in 0..<size { target[pair.target * size + byte] = others[pair.source * size + byte] }
                    }
                }
            }
        }
        return try Tensor(shape: shape, elementType: elementType, storage: storage)
    }

    /// The same elements as another type.
    package func converted(to type: ElementType) throws -> Tensor {
        if type == elementType { return self }
        if elementType.isFloatingPoint { return try Tensor(doubles(), as: type, shape: shape) }
        return try Tensor(integers(), as: type, shape: shape)
    }
}
