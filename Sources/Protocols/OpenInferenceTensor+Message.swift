// SPDX-License-Identifier: MIT

import Protobuf
import Text

/// An input as a `ModelInferRequest.InferInputTensor` describes it.
extension OpenInferenceTensor {
    /// The longest name, datatype or parameter's name, in bytes, and the highest rank.
    static let maxNameBytes = 1024
    private static let maxRank = 8

    /// - Parameter maxStrings: The most elements of BYTES.
    /// - Throws: ``RequestRefusal`` or `ProtobufError`.
    init(_ message: ProtobufReader, maxStrings: Int) throws {
        var reader = message
        var dimensions: [Int] = []
        var contents: [ProtobufField] = []
        // A message leaves out what is empty.
        name = ""
        while let field = try reader.next() {
            switch field.number {
            case 1: name = ByteText(try field.string(limit: Self.maxNameBytes))
            case 2: datatype = try Self.datatype(ByteText(try field.string(limit: Self.maxNameBytes)))
            case 3: try field.append(to: &dimensions, limit: Self.maxRank)
            case 4: try InferParameter(field.message()).checkNoSharedMemory()
            case 5: contents.append(field)
            default: break
            }
        }
        shape = dimensions
        // The datatype may come behind them.
        for field in contents { try readContents(try field.message(), maxStrings: maxStrings) }
    }

    /// Reads an `InferTensorContents`.
    private mutating func readContents(_ message: ProtobufReader, maxStrings: Int) throws {
        var reader = message
        var fixed: [UInt8] = []
        while let field = try reader.next() {
            guard (1...8).contains(field.number) else { continue }
            guard field.number == datatype?.contentsField else {
                throw RequestRefusal(
                    .badRequest,
                    "elements of \(datatype?.rawValue ?? "no datatype") in field \(field.number) of the contents; "
                        + (datatype?.contentsField.map { "expected field \($0)" } ?? "expected raw_input_contents"))
            }
            switch field.number {
            case 2: try append(field) { Float(Int32(truncatingIfNeeded: $0)) }
            case 3: try append(field) { Float(Int64(bitPattern: $0)) }
            case 4: try append(field) { Float(UInt32(truncatingIfNeeded: $0)) }
            case 5: try append(field) { Float($0) }
            case 6, 7: try field.appendFixed(to: &fixed, size: field.number == 6 ? 4 : 8, limit: .max)
            case 8:
                let element = Array(try field.bytes())
                if elements?.count ?? 0 == maxStrings { throw ModelInput.tooMany(maxStrings) }
                elements = (elements ?? []) + [element]
            default: break
            }
        }
        if !fixed.isEmpty { numbers = (numbers ?? []) + (datatype?.floats(fixed[...]) ?? []) }
    }

    private mutating func append(_ field: ProtobufField, _ number: (UInt64) -> Float) throws {
        var numbers = self.numbers ?? []
        self.numbers = nil
        try field.forEachVarint { numbers.append(number($0)) }
        self.numbers = numbers
    }
}

extension TensorDatatype {
    /// The field of `InferTensorContents` that holds elements of this type; nil for those that are taken as binary data only.
    var contentsField: Int? {
        switch self {
        case .bool: 1
        case .int8, .int16, .int32: 2
        case .int64: 3
        case .uint8, .uint16, .uint32: 4
        case .uint64: 5
        case .fp32: 6
        case .fp64: 7
        case .bytes: 8
        case .fp16, .bf16: nil
        }
    }
}

/// An entry of a message's `parameters`: a name and an `InferParameter`.
struct InferParameter {
    private(set) var name: ByteText = ""
    private(set) var integer: Int?

    /// - Parameter message: The entry of the map.
    /// - Throws: `ProtobufError`.
    init(_ message: ProtobufReader) throws(ProtobufError) {
        var reader = message
        while let field = try reader.next() {
            switch field.number {
            case 1: name = ByteText(try field.string(limit: OpenInferenceTensor.maxNameBytes))
            case 2:
                var value = try field.message()
                while let choice = try value.next() {
                    integer = [2, 5].contains(choice.number) ? try choice.int64() : nil
                }
            default: break
            }
        }
    }

    /// - Throws: ``RequestRefusal`` if the elements are to lie in memory that client and server share.
    func checkNoSharedMemory() throws {
        if name.hasPrefix("shared_memory") {
            throw RequestRefusal(.notImplemented, "this server shares no memory with its clients")
        }
    }
}
