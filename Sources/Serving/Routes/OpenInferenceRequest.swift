// SPDX-License-Identifier: MIT

import HTTP

/// The body of a `/v2/models/.../infer` call: JSON, and behind it the tensors that are sent in binary.
struct OpenInferenceRequest: Equatable {
    /// The client's name for the request, to be given back.
    private(set) var id: String?
    /// How many rows the input has.
    private(set) var rows = 0
    /// The rows, as the network takes them.
    private(set) var values: [Float] = []
    /// Whether the output goes behind the JSON instead of into it.
    var wantsBinaryOutput: Bool { outputChoice ?? defaultChoice }

    private var defaultChoice = false
    private var outputChoice: Bool?
    private var hasInput = false

    /// An input as the JSON describes it.
    private struct Input {
        var name: String?
        var datatype: String?
        var shape: [Int]?
        var data: NumberArray?
        var binarySize: Int?
    }

    /// - Parameters:
    ///   - body: The decompressed body.
    ///   - headerLength: The value of Inference-Header-Content-Length.
    /// - Throws: `RequestRefusal` or `JSONError`.
    init(_ body: [UInt8], headerLength: String?, model: ServedModel, maxRows: Int) throws {
        let length = try Self.jsonLength(headerLength, body)
        if length == 0, headerLength != nil {
            try takeRawRow(body, model)
            return
        }
        var reader = JSONReader(body[..<length])
        var input: Input?
        try reader.readObject { reader, name in
            switch name {
            case "id": id = try reader.readString()
            case "parameters": defaultChoice = try Self.flag("binary_data_output", &reader) ?? false
            case "inputs": input = try Self.inputs(&reader, maxNumbers: length / 2 + 1)
            case "outputs": outputChoice = try Self.outputs(&reader, model)
            default: throw RequestRefusal(.badRequest, "unknown key '\(name.prefix(100))'")
            }
        }
        try reader.finish()
        guard let input else { throw RequestRefusal(.badRequest, "expected the key 'inputs'") }
        rows = try Self.checkedRows(input, model, maxRows: maxRows)
        values = try Self.values(input, count: rows * model.input.rowCount, tail: body[length...])
    }

    private static func jsonLength(_ header: String?, _ body: [UInt8]) throws -> Int {
        guard let header else { return body.count }
        guard (1...18).contains(header.utf8.count), header.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            let length = Int(header), length <= body.count
        else {
            throw RequestRefusal(
                .badRequest, "Inference-Header-Content-Length must be 0 to the body's \(body.count) bytes")
        }
        return length
    }

    /// Takes the whole body as one row.
    private mutating func takeRawRow(_ body: [UInt8], _ model: ServedModel) throws {
        let expected = model.input.rowCount * 4
        guard body.count == expected else {
            throw RequestRefusal(
                .badRequest, "expected \(expected) bytes for one row of '\(model.input.name)', got \(body.count)")
        }
        rows = 1
        values = Self.floats(body[...])
        outputChoice = true
    }

    // MARK: Reading

    private static func inputs(_ reader: inout JSONReader, maxNumbers: Int) throws -> Input {
        var inputs: [Input] = []
        try reader.readArray { reader in
            guard inputs.isEmpty else {
                throw RequestRefusal(.badRequest, "the model has one input; the request has more")
            }
            var input = Input()
            try reader.readObject { reader, name in
                switch name {
                case "name": input.name = try reader.readString()
                case "datatype": input.datatype = try reader.readString()
                case "shape":
                    var shape: [Int] = []
                    try reader.readArray { reader in
                        guard shape.count < JSONReader.maxRank else {
                            throw reader.error(.tooMany(limit: JSONReader.maxRank))
                        }
                        shape.append(try reader.readInt())
                    }
                    input.shape = shape
                case "data": input.data = try reader.readNumbers(maxCount: maxNumbers)
                case "parameters": input.binarySize = try size(&reader)
                default: throw RequestRefusal(.badRequest, "unknown key '\(name.prefix(100))' of an input")
                }
            }
            inputs.append(input)
        }
        guard let input = inputs.first else { throw RequestRefusal(.badRequest, "'inputs' is empty") }
        return input
    }

    private static func size(_ reader: inout JSONReader) throws -> Int? {
        var size: Int?
        try reader.readObject { reader, name in
            if name == "binary_data_size" { size = try reader.readInt() } else { try reader.skipValue() }
        }
        return size
    }

    private static func flag(_ wanted: String, _ reader: inout JSONReader) throws -> Bool? {
        var flag: Bool?
        try reader.readObject { reader, name in
            if name == wanted { flag = try reader.readBool() } else { try reader.skipValue() }
        }
        return flag
    }

    /// Reads which outputs the client wants.
    ///
    /// - Returns: Whether it wants the one output in binary; nil if it does not say.
    private static func outputs(_ reader: inout JSONReader, _ model: ServedModel) throws -> Bool? {
        var choice: Bool?
        var names: [String] = []
        try reader.readArray { reader in
            guard names.isEmpty else {
                throw RequestRefusal(.badRequest, "an output is asked for twice, or does not exist")
            }
            try reader.readObject { reader, name in
                switch name {
                case "name": names.append(try reader.readString())
                case "parameters":
                    try reader.readObject { reader, name in
                        switch name {
                        case "binary_data": choice = try reader.readBool()
                        case "classification":
                            guard try reader.readInt() == 0 else {
                                throw RequestRefusal(.badRequest, "the classification extension is not supported")
                            }
                        default: try reader.skipValue()
                        }
                    }
                default: throw RequestRefusal(.badRequest, "unknown key '\(name.prefix(100))' of an output")
                }
            }
            guard names == [model.output.name] else {
                throw RequestRefusal(.badRequest, "unknown output; expected '\(model.output.name)'")
            }
        }
        return choice
    }

    // MARK: Checking

    private static func checkedRows(_ input: Input, _ model: ServedModel, maxRows: Int) throws -> Int {
        guard input.name == model.input.name else {
            throw RequestRefusal(
                .badRequest, "unknown input '\((input.name ?? "").prefix(100))'; expected '\(model.input.name)'")
        }
        guard input.datatype == model.input.datatype else {
            throw RequestRefusal(.badRequest, "expected the datatype \(model.input.datatype) for '\(model.input.name)'")
        }
        guard let shape = input.shape, let rows = shape.first, rows > 0,
            TensorFlowRequest.isRow(Array(shape.dropFirst()), model)
        else {
            throw RequestRefusal(
                .badRequest, "expected the shape \(model.input.shape), -1 for any number, got \(input.shape ?? [])")
        }
        if rows > maxRows { throw RequestRefusal(.contentTooLarge, "the request has more than \(maxRows) rows") }
        return rows
    }

    private static func values(_ input: Input, count: Int, tail: ArraySlice<UInt8>) throws -> [Float] {
        guard let size = input.binarySize else {
            guard tail.isEmpty else { throw RequestRefusal(.badRequest, "unexpected additional input data") }
            guard let data = input.data else { throw RequestRefusal(.badRequest, "the input has no data") }
            guard data.values.count == count else {
                throw RequestRefusal(.badRequest, "expected \(count) numbers for the shape, got \(data.values.count)")
            }
            return data.values
        }
        guard input.data == nil else { throw RequestRefusal(.badRequest, "the input has both data and binary data") }
        guard size == tail.count else {
            throw RequestRefusal(
                .badRequest, "binary_data_size is \(size), but \(tail.count) bytes follow the JSON")
        }
        guard size == count * 4 else {
            throw RequestRefusal(.badRequest, "expected \(count * 4) bytes for the shape, got \(size)")
        }
        return floats(tail)
    }

    private static func floats(_ bytes: ArraySlice<UInt8>) -> [Float] {
        bytes.withUnsafeBytes { buffer in
            (0..<(buffer.count / 4)).map {
                Float(bitPattern: UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
            }
        }
    }
}
