// SPDX-License-Identifier: MIT

import Tensors

/// Every element type that PyTorch writes, under PyTorch's own name.
///
/// The types without an ``elementType`` are recognised so that they can be reported with their size, and not taken.
package enum TorchType: String, Sendable, Hashable, CaseIterable {
    case float64, float32, float16, bfloat16
    case int64, int32, int16, int8, uint8, bool
    case uint16, uint32, uint64
    case complex32, complex64, complex128
    case qint8, quint8, qint32, quint4x2, quint2x4
    case float8_e4m3fn, float8_e5m2, float8_e4m3fnuz, float8_e5m2fnuz, float8_e8m0fnu

    /// The type as SwiftNet's tensors know it.
    package var elementType: ElementType? {
        switch self {
        case .float64: .float64
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int64: .int64
        case .int32: .int32
        case .int16: .int16
        case .int8: .int8
        case .uint8: .uint8
        case .bool: .bool
        default: nil
        }
    }

    /// Bytes of one element; of one packed byte for the types below eight bits.
    package var byteCount: Int {
        switch self {
        case .complex128: 16
        case .float64, .int64, .uint64, .complex64: 8
        case .float32, .int32, .uint32, .qint32, .complex32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        default: 1
        }
    }

    /// Whole numbers that stand for others by a scale.
    package var isQuantised: Bool {
        switch self {
        case .qint8, .quint8, .qint32, .quint4x2, .quint2x4: true
        default: false
        }
    }

    package init(_ elementType: ElementType) {
        self =
            switch elementType {
            case .float64: .float64
            case .float32: .float32
            case .float16: .float16
            case .bfloat16: .bfloat16
            case .int64: .int64
            case .int32: .int32
            case .int16: .int16
            case .int8: .int8
            case .uint8: .uint8
            case .bool: .bool
            }
    }
}

// MARK: - Numbers in exported programs

extension TorchType {
    /// The type of a number in a program's JSON; nil for a number that names none.
    ///
    /// - Source: `ScalarType` in `torch/_export/serde/schema.py`.
    package init?(scalarType: Int) {
        guard let type = Self.scalarTypes[scalarType] else { return nil }
        self = type
    }

    private static let scalarTypes: [Int: TorchType] = [
        1: .uint8, 2: .int8, 3: .int16, 4: .int32, 5: .int64, 6: .float16, 7: .float32, 8: .float64, 9: .complex32,
        10: .complex64, 11: .complex128, 12: .bool, 13: .bfloat16, 28: .uint16, 29: .float8_e4m3fn, 30: .float8_e5m2,
        31: .float8_e4m3fnuz, 32: .float8_e5m2fnuz, 33: .float8_e8m0fnu, 34: .uint32, 35: .uint64,
    ]
}

// MARK: - Names in pickles

extension TorchType {
    /// The type of `torch.float32` and its like.
    package init?(dtype global: PickleGlobal) {
        guard global.module == "torch" else { return nil }
        let aliases = [
            "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
            "short": "int16",
        ]
        self.init(rawValue: aliases[global.name] ?? global.name)
    }

    /// The name of the storage class, as in `torch.FloatStorage`.
    package var storageClass: String? { Self.storageClasses.first { $0.value == self }?.key }

    private static let storageClasses: [String: TorchType] = [
        "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
        "ByteStorage": .uint8,
        "BoolStorage": .bool, "ComplexFloatStorage": .complex64, "ComplexDoubleStorage": .complex128,
        "QInt8Storage": .qint8, "QUInt8Storage": .quint8, "QInt32Storage": .qint32, "QUInt4x2Storage": .quint4x2,
        "QUInt2x4Storage": .quint2x4,
    ]

    private static let storageModules: Set<String> = ["torch", "torch.cuda", "torch.storage"]

    /// What a storage class holds: a type, or untyped bytes (the inner nil). The outer nil is for all other globals.
    package static func held(byStorageClass global: PickleGlobal) -> TorchType?? {
        guard storageModules.contains(global.module) else { return nil }
        if global.name == "UntypedStorage" { return .some(nil) }
        return storageClasses[global.name].map { .some($0) }
    }
}
