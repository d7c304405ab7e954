// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Text

/// An input as an Open Inference Protocol request describes it, in JSON or as a message of gRPC.
struct OpenInferenceTensor {
    var name: ByteText?
    var datatype: TensorDatatype?
    var shape: [Int]?
    var numbers: [Float]?
    private var strings: [ByteText]?
    /// The elements of BYTES that came as bytes.
    var elements: [[UInt8]]?
    /// How many bytes of binary data stand for the elements.
    var binarySize: Int?

    /// Reads one element of `inputs`; its members may come in any order.
    init(_ reader: inout JSONReader, maxNumbers: Int, maxStrings: Int) throws {
        try reader.readObject { reader, name in
            if reader.takeNull() { return }
            switch name {
            case "name": self.name = try reader.readString()
            case "datatype": datatype = try Self.datatype(try reader.readString())
            case "shape": shape = try Self.shape(&reader)
            case "data": try readData(&reader, maxNumbers: maxNumbers, maxStrings: maxStrings)
            case "parameters":
                try reader.readObject { reader, name in
                    if name == "binary_data_size" { binarySize = try reader.readInt() } else { try reader.skipValue() }
                }
            default: try reader.skipValue()
            }
        }
    }

    static func datatype(_ text: ByteText) throws -> TensorDatatype {
        guard let datatype = TensorDatatype.allCases.first(where: { ByteText($0.rawValue) == text }) else {
            throw RequestRefusal(.badRequest, "unknown datatype '\(text.shown(maxBytes: 20))'")
        }
        return datatype
    }

    private static func shape(_ reader: inout JSONReader) throws -> [Int] {
        var shape: [Int] = []
        try reader.readArray { reader in
            guard shape.count < JSONReader.maxRank else { throw reader.error(.tooMany(limit: JSONReader.maxRank)) }
            shape.append(try reader.readInt())
        }
        return shape
    }

    /// Reads numbers or strings, flat or nested.
    private mutating func readData(_ reader: inout JSONReader, maxNumbers: Int, maxStrings: Int) throws {
        var probe = reader
        var depth = 0
        while depth < JSONReader.maxRank, probe.take(UInt8(ascii: "[")) { depth += 1 }
        guard depth > 0 else { throw reader.error(.expected("an array")) }
        if probe.nextKind() == .string {
            var strings: [ByteText] = []
            try Self.readStrings(&reader, into: &strings, maxCount: maxStrings, levels: depth)
            self.strings = strings
        } else {
            numbers = try reader.readNumbers(maxCount: maxNumbers).values
        }
    }

    /// Calls itself for nested arrays, `levels` deep.
    private static func readStrings(
        _ reader: inout JSONReader, into strings: inout [ByteText], maxCount: Int, levels: Int
    ) throws {
        try reader.readArray { reader in
            if levels > 1 { return try readStrings(&reader, into: &strings, maxCount: maxCount, levels: levels - 1) }
            if strings.count == maxCount { throw ModelInput.tooMany(maxCount) }
            strings.append(try reader.readString())
        }
    }

    // MARK: Checking

    /// What the model is to answer.
    ///
    /// - Parameter tail: What follows the JSON.
    /// - Throws: ``RequestRefusal``.
    func modelInput(_ model: ServedModel, tail: ArraySlice<UInt8>, maxRows: Int) throws -> ModelInput {
        guard let description = model.input(named: name) else {
            let names = model.inputs.map { "'\($0.name)'" }.joined(separator: ", ")
            throw RequestRefusal(.badRequest, "unknown input '\(name ?? "")'; expected one of \(names)")
        }
        guard let datatype, datatype.isNumeric && description.datatype.isNumeric || datatype == description.datatype
        else {
            throw RequestRefusal(
                .badRequest, "'\(description.name)' takes \(description.datatype.rawValue), got \(typeName)")
        }
        // Numbers that could come either way come as the model's metadata have it.
        let isPixels = description.datatype == .uint8
        let axes = isPixels ? AxisOrder.channelsLast : model.inputOrder
        let layout = RowLayout(model)
        guard let shape, let (rows, order) = batch(shape, datatype, layout, preferred: axes) else {
            throw RequestRefusal(
                .badRequest,
                "expected the shape \(description.shape) for '\(description.name)', -1 for any number, got \(shape ?? [])"
            )
        }
        if rows > maxRows { throw ModelInput.tooMany(maxRows) }
        if binarySize == nil, !tail.isEmpty {
            throw RequestRefusal(.badRequest, "unexpected additional input data")
        }
        if datatype == .bytes { return .images(try images(tail, count: rows)) }
        let values = layout.reordered(
            try values(datatype, count: rows * description.rowCount, tail), from: order, to: axes)
        if isPixels { return .pixels(try ModelInput.pixels(values), count: rows) }
        try ModelInput.checkFinite(values)
        return .rows(values, count: rows)
    }

    private var typeName: String { datatype?.rawValue ?? "none" }

    /// Reads the shape. An encoded image may stand in an array of its own.
    private func batch(
        _ shape: [Int], _ datatype: TensorDatatype, _ layout: RowLayout, preferred: AxisOrder
    ) -> (count: Int, order: AxisOrder)? {
        guard datatype == .bytes else { return layout.batch(shape, preferred: preferred) }
        guard let rows = shape.first, rows > 0, [[], [1]].contains(Array(shape.dropFirst())) else { return nil }
        return (rows, preferred)
    }

    func values(_ datatype: TensorDatatype, count: Int, _ tail: ArraySlice<UInt8>) throws -> [Float] {
        if strings != nil || elements != nil { throw RequestRefusal(.badRequest, "expected numbers, got strings") }
        guard let size = binarySize else {
            guard datatype.isWrittenAsJSON else {
                throw RequestRefusal(.badRequest, "\(datatype.rawValue) is taken as binary data only")
            }
            guard let numbers else { throw RequestRefusal(.badRequest, "the input has no data") }
            guard numbers.count == count else {
                throw RequestRefusal(.badRequest, "expected \(count) numbers for the shape, got \(numbers.count)")
            }
            guard let wrong = numbers.first(where: { !datatype.holds($0) }) else { return numbers }
            throw RequestRefusal(.badRequest, "\(wrong) is no \(datatype.rawValue)")
        }
        try checkBinary(size, tail)
        guard let values = datatype.floats(tail), values.count == count else {
            throw RequestRefusal(
                .badRequest, "expected \(count * (datatype.byteCount ?? 1)) bytes for the shape, got \(size)")
        }
        return values
    }

    private func checkBinary(_ size: Int, _ tail: ArraySlice<UInt8>) throws {
        guard numbers == nil, strings == nil, elements == nil else {
            throw RequestRefusal(.badRequest, "the input has both data and binary data")
        }
        guard size == tail.count else {
            throw RequestRefusal(.badRequest, "binary_data_size is \(size), but \(tail.count) bytes follow the JSON")
        }
    }

    /// Encoded images: base64 in JSON, elements of a message, or in binary each behind its length.
    private func images(_ tail: ArraySlice<UInt8>, count: Int) throws -> [[UInt8]] {
        if numbers != nil { throw RequestRefusal(.badRequest, "expected images, got numbers") }
        guard let size = binarySize else {
            guard let images = try elements ?? strings?.map(ImageInput.decoded) else {
                throw RequestRefusal(.badRequest, "the input has no data")
            }
            guard images.count == count else {
                throw RequestRefusal(.badRequest, "expected \(count) images for the shape, got \(images.count)")
            }
            return images
        }
        try checkBinary(size, tail)
        var images: [[UInt8]] = []
        var rest = tail
        while !rest.isEmpty {
            guard images.count < count, rest.count >= 4 else {
                throw RequestRefusal(.badRequest, "expected \(count) elements for the shape in the binary data")
            }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard (1...max(rest.count, 1)).contains(length), length <= rest.count else {
                throw RequestRefusal(.badRequest, "an element of \(length) bytes, but \(rest.count) bytes follow")
            }
            images.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        guard images.count == count else {
            throw RequestRefusal(.badRequest, "expected \(count) elements for the shape, got \(images.count)")
        }
        return images
    }
}
