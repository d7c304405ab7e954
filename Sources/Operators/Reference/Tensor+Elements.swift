// SPDX-License-Identifier: MIT

import Tensors

extension Tensor {
    /// The elements as Double, in row-major order.
    package func doubles() -> [Double] {
        switch elementType {
        case .float64: elements(as: Double.self) { $0 }
        case .float32: elements(as: Float.self) { Double($0) }
        case .float16: elements(as: UInt16.self) { Double(Float(halfBits: $0)) }
        case .bfloat16: elements(as: UInt16.self) { Double(Float(bfloat16Bits: $0)) }
        case .int64: elements(as: Int64.self) { Double($0) }
        case .int32: elements(as: Int32.self) { Double($0) }
        case .int16: elements(as: Int16.self) { Double($0) }
        case .int8: elements(as: Int8.self) { Double($0) }
        case .uint8: elements(as: UInt8.self) { Double($0) }
        case .bool: elements(as: UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    /// The elements as integers, in row-major order; floating-point numbers are rounded towards zero.
    package func integers() -> [Int] {
        switch elementType {
        case .float64, .float32, .float16, .bfloat16: doubles().map(Int.init(truncating:))
        case .int64: elements(as: Int64.self) { Int($0) }
        case .int32: elements(as: Int32.self) { Int($0) }
        case .int16: elements(as: Int16.self) { Int($0) }
        case .int8: elements(as: Int8.self) { Int($0) }
        case .uint8: elements(as: UInt8.self) { Int($0) }
        case .bool: elements(as: UInt8.self) { $0 == 0 ? 0 : 1 }
        }
    }

    /// Makes a tensor of numbers: rounded to the type's nearest, towards zero where it is of integers.
    ///
    /// - Precondition: There are as many values as the shape has elements.
    package init(_ values: [Double], as type: ElementType, shape: Shape) throws {
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        switch type {
        case .float64: try self.init(values, type, shape) { $0 }
        case .float32: try self.init(values, type, shape) { Float($0) }
        case .float16: try self.init(values, type, shape) { Float($0).halfBits }
        case .bfloat16: try self.init(values, type, shape) { Float($0).bfloat16Bits }
        case .int64: try self.init(values, type, shape) { Int(truncating: $0) }
        case .int32: try self.init(values, type, shape) { Int32(truncatingIfNeeded: Int(truncating: $0)) }
        case .int16: try self.init(values, type, shape) { Int16(truncatingIfNeeded: Int(truncating: $0)) }
        case .int8: try self.init(values, type, shape) { Int8(truncatingIfNeeded: Int(truncating: $0)) }
        case .uint8: try self.init(values, type, shape) { UInt8(truncatingIfNeeded: Int(truncating: $0)) }
        case .bool: try self.init(values, type, shape) { UInt8($0 == 0 ? 0 : 1) }
        }
    }

    /// Makes a tensor of integers: their lowest bits where the type has fewer; anything but zero is true.
    ///
    /// - Precondition: There are as many values as the shape has elements.
    package init(_ values: [Int], as type: ElementType, shape: Shape) throws {
        precondition(values.count == shape.elementCount, "\(values.count) values for \(shape)")
        switch type {
        case .float64, .float32, .float16, .bfloat16: try self.init(values.map(Double.init), as: type, shape: shape)
        case .int64: try self.init(values, type, shape) { Int64($0) }
        case .int32: try self.init(values, type, shape) { Int32(truncatingIfNeeded: $0) }
        case .int16: try self.init(values, type, shape) { Int16(truncatingIfNeeded: $0) }
        case .int8: try self.init(values, type, shape) { Int8(truncatingIfNeeded: $0) }
        case .uint8: try self.init(values, type, shape) { UInt8(truncatingIfNeeded: $0) }
        case .bool: try self.init(values, type, shape) { UInt8($0 == 0 ? 0 : 1) }
        }
    }

    /// Makes a vector of Int64.
    package init(integers values: [Int]) throws {
        try self.init(values, as: .int64, shape: [values.count])
    }

    private func elements<Element: BitwiseCopyable, Result>(
        as type: Element.Type, _ convert: (Element) -> Result
    ) -> [Result] {
        withUnsafeBytes { bytes in
            [Result](unsafeUninitializedCapacity: elementCount) { buffer, count in
                for index in 0..<elementCount {
                    let element = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.size, as: type)
                    (buffer.baseAddress! + index).initialize(to: convert(element))
                }
                count = elementCount
            }
        }
    }

    private init<Value, Element: BitwiseCopyable>(
        _ values: [Value], _ type: ElementType, _ shape: Shape, _ convert: (Value) -> Element
    ) throws {
        let storage = TensorStorage(byteCount: values.count * MemoryLayout<Element>.size) { bytes in
            for (index, value) in values.enumerated() {
                bytes.storeBytes(
                    of: convert(value), toByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
            }
        }
        try self.init(shape: shape, elementType: type, storage: storage)
    }
}

extension Int {
    /// The integer next to a number on the way to zero; the largest or smallest where it is beyond, 0 for NaN.
    package init(truncating value: Double) {
        if value.isNaN {
            self = 0
        } else if value >= 0x1p63 {
            self = .max
        } else if value < -0x1p63 {
            self = .min
        } else {
            self = Int(value)
        }
    }
}
