// SPDX-License-Identifier: MIT

import Tensors

/// The type of a tensor's elements, as the Open Inference Protocol spells it.
package enum TensorDatatype: String, CaseIterable, Sendable {
    case bool = "BOOL"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case fp16 = "FP16"
    case bf16 = "BF16"
    case fp32 = "FP32"
    case fp64 = "FP64"
    case bytes = "BYTES"

    /// The name in TensorFlow.
    package var tensorFlowName: String {
        switch self {
        case .bool: "DT_BOOL"
        case .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64: "DT_\(rawValue)"
        case .fp16: "DT_HALF"
        case .bf16: "DT_BFLOAT16"
        case .fp32: "DT_FLOAT"
        case .fp64: "DT_DOUBLE"
        case .bytes: "DT_STRING"
        }
    }

    /// How many bytes an element of binary data has; nil for elements of different sizes.
    package var byteCount: Int? {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .fp16, .bf16: 2
        case .uint32, .int32, .fp32: 4
        case .uint64, .int64, .fp64: 8
        case .bytes: nil
        }
    }

    /// Whether its elements are numbers.
    var isNumeric: Bool { self != .bool && self != .bytes }

    /// Whether its elements can stand in JSON: there is no agreed way to write those of 16 bits.
    var isWrittenAsJSON: Bool { self != .fp16 && self != .bf16 }

    /// Whether a JSON number may stand for an element: whole and in range where the type is one of whole numbers.
    func holds(_ value: Float) -> Bool {
        switch self {
        case .uint8: isWhole(value, UInt8.self)
        case .uint16: isWhole(value, UInt16.self)
        case .uint32: isWhole(value, UInt32.self)
        case .uint64: isWhole(value, UInt64.self)
        case .int8: isWhole(value, Int8.self)
        case .int16: isWhole(value, Int16.self)
        case .int32: isWhole(value, Int32.self)
        case .int64: isWhole(value, Int64.self)
        case .fp32, .fp64: true
        case .fp16, .bf16, .bool, .bytes: false
        }
    }

    private func isWhole<Integer: FixedWidthInteger>(_ value: Float, _ type: Integer.Type) -> Bool {
        // The largest may be rounded up to a number that the type does not hold; a Float can't tell them apart.
        value == value.rounded(.towardZero) && value >= Float(Integer.min) && value <= Float(Integer.max)
    }

    /// Reads little-endian elements.
    ///
    /// - Returns: nil if the elements are no numbers or the bytes do not end with one.
    func floats(_ bytes: ArraySlice<UInt8>) -> [Float]? {
        switch self {
        case .uint8: bytes.map(Float.init)
        case .int8: bytes.map { Float(Int8(bitPattern: $0)) }
        case .uint16: elements(bytes) { (bits: UInt16) in Float(bits) }
        case .uint32: elements(bytes) { (bits: UInt32) in Float(bits) }
        case .uint64: elements(bytes) { (bits: UInt64) in Float(bits) }
        case .int16: elements(bytes) { (bits: UInt16) in Float(Int16(bitPattern: bits)) }
        case .int32: elements(bytes) { (bits: UInt32) in Float(Int32(bitPattern: bits)) }
        case .int64: elements(bytes) { (bits: UInt64) in Float(Int64(bitPattern: bits)) }
        case .fp16: elements(bytes) { (bits: UInt16) in Float(halfBits: bits) }
        case .bf16: elements(bytes) { (bits: UInt16) in Float(bfloat16Bits: bits) }
        case .fp32: elements(bytes) { (bits: UInt32) in Float(bitPattern: bits) }
        case .fp64: elements(bytes) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
        case .bool, .bytes: nil
        }
    }

    private func elements<Bits: FixedWidthInteger>(
        _ bytes: ArraySlice<UInt8>, _ value: (Bits) -> Float
    ) -> [Float]? {
        let size = MemoryLayout<Bits>.size
        guard bytes.count % size == 0 else { return nil }
        return bytes.withUnsafeBytes { buffer in
            (0..<(buffer.count / size)).map {
                value(Bits(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self)))
            }
        }
    }
}
