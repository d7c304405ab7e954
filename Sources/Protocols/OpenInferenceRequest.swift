// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Text

/// What an Open Inference Protocol request asks a model. Over HTTP it is JSON, and behind it the tensors that are sent in binary.
///
/// - Source: github.com/kserve/open-inference-protocol; Triton's binary data and classification extensions.
package struct OpenInferenceRequest: Equatable, Sendable {
    /// The client's name for the request, to be given back.
    package let id: String?
    /// What is to be answered.
    package let input: ModelInput
    /// What is to be given, in the client's order; all that there is for the input where it does not say.
    package let outputs: [Output]
    /// All that there is for the input: their numbers stand one behind the other in each row of an answer.
    let answer: [TensorDescription]
    /// How many views of each image the request's parameter `views` asks for; nil where it does not say.
    package let views: RequestedViews?

    /// An output that is to be given.
    package struct Output: Equatable, Sendable {
        /// Which one.
        package let tensor: TensorDescription
        /// Whether it goes behind the JSON instead of into it; over gRPC, whether it is raw.
        package let isBinary: Bool
        /// How many of the likeliest classes the client wants instead of all numbers; nil for the numbers.
        package let classCount: Int?
    }

    /// What the client asks of an output.
    struct RequestedOutput {
        var name: ByteText?
        var isBinary: Bool?
        var classCount: Int?
    }

    /// The most outputs that a request can name.
    static let maxOutputs = 1024

    /// Reads and checks a body.
    ///
    /// - Parameters:
    ///   - body: The decompressed body.
    ///   - headerLength: The value of Inference-Header-Content-Length.
    ///   - maxRows: The most rows or images.
    /// - Throws: ``RequestRefusal`` or `JSONError`.
    package init(_ body: [UInt8], headerLength: ByteText?, model: ServedModel, maxRows: Int) throws {
        let length = try Self.jsonLength(headerLength, body)
        if length == 0, headerLength != nil {
            self.init(row: try Self.rawRow(body, model), model)
            return
        }
        var reader = JSONReader(body[..<length])
        var requestID: ByteText?
        var tensors: [OpenInferenceTensor]?
        var requested: [RequestedOutput] = []
        var parameters: (isBinary: Bool?, views: RequestedViews?) = (nil, nil)
        // What the protocol does not name is skipped, as its other servers do; so is what a client leaves null.
        try reader.readObject { reader, name in
            if reader.takeNull() { return }
            switch name {
            case "id": requestID = try Self.id(&reader)
            case "parameters": parameters = try Self.parameters(&reader)
            case "inputs": tensors = try Self.inputs(&reader, model, maxNumbers: length / 2 + 1, maxRows: maxRows)
            case "outputs": requested = try Self.outputs(&reader)
            default: try reader.skipValue()
            }
        }
        try reader.finish()
        guard let tensors else { throw RequestRefusal(.badRequest, "expected the key 'inputs'") }
        try self.init(
            id: requestID, tensors, requested, tails: try OpenInferenceTensor.tails(body[length...], of: tensors),
            isBinary: parameters.isBinary ?? false, views: parameters.views, model: model, maxRows: maxRows)
    }

    /// One row that is the whole body.
    private init(row: [Float], _ model: ServedModel) {
        input = .rows(row, count: 1)
        answer = model.outputs
        outputs = answer.map { Output(tensor: $0, isBinary: true, classCount: nil) }
        (id, views) = (nil, nil)
    }

    /// - Parameters:
    ///   - tensors: At least one.
    ///   - tails: The binary data of each.
    ///   - isBinary: Whether outputs of which the client does not say it are binary.
    init(
        id: ByteText?, _ tensors: [OpenInferenceTensor], _ requested: [RequestedOutput], tails: [ArraySlice<UInt8>],
        isBinary: Bool, views: RequestedViews?, model: ServedModel, maxRows: Int
    ) throws {
        input = try OpenInferenceTensor.modelInput(tensors, tails, model, maxRows: maxRows)
        let answer: [TensorDescription]
        if case .rows = input { answer = model.outputs } else { answer = model.answerToImages }
        self.answer = answer
        self.id = id?.string
        self.views = views
        if requested.isEmpty {
            outputs = answer.map { Output(tensor: $0, isBinary: isBinary, classCount: nil) }
            return
        }
        var taken: Set<ByteText> = []
        outputs = try requested.map { requested -> Output in
            let name = requested.name ?? ""
            guard let described = answer.first(where: { ByteText($0.name) == name }) else {
                let names = answer.map { "'\($0.name)'" }.joined(separator: ", ")
                let asked = model.takesPictures ? tensors.first?.name?.description : model.name
                throw RequestRefusal(
                    .badRequest,
                    "unknown output '\(name.shown(maxBytes: 100))'; '\(asked ?? "")' is answered with \(names)")
            }
            guard taken.insert(name).inserted else {
                throw RequestRefusal(.badRequest, "the output '\(described.name)' is asked for twice")
            }
            let classCount = requested.classCount.flatMap { $0 > 0 ? min($0, model.labels.count) : nil }
            if classCount == 0 { try model.checkHasClasses() }
            return Output(tensor: described, isBinary: requested.isBinary ?? isBinary, classCount: classCount)
        }
    }

    /// How many numbers a row of an answer has.
    package var rowCount: Int { answer.reduce(0) { $0 + $1.rowCount } }

    /// The numbers of one output, row by row, of those of an answer.
    func numbers(of output: TensorDescription, in numbers: [Float]) -> [Float] {
        ServedModel.numbers(of: output, among: answer, in: numbers)
    }

    private static func jsonLength(_ header: ByteText?, _ body: [UInt8]) throws -> Int {
        guard let header else { return body.count }
        guard let length = header.number(maxDigits: 18), length <= body.count else {
            throw RequestRefusal(
                .badRequest, "Inference-Header-Content-Length must be 0 to the body's \(body.count) bytes")
        }
        return length
    }

    /// Takes the whole body as one row.
    private static func rawRow(_ body: [UInt8], _ model: ServedModel) throws -> [Float] {
        guard model.networkInputs.count == 1 else {
            throw RequestRefusal(
                .badRequest, "'\(model.name)' takes \(model.shownInputs); a body without JSON is for one input")
        }
        let expected = model.input.rowCount * 4
        guard body.count == expected, let row = TensorDatatype.fp32.floats(body[...]) else {
            throw RequestRefusal(
                .badRequest, "expected \(expected) bytes for one row of '\(model.input.name)', got \(body.count)")
        }
        try ModelInput.checkFinite(row)
        return row
    }

    // MARK: Reading

    /// The most bytes of a request's name: it comes back with the answer.
    package static let maxIDBytes = 1024

    private static func id(_ reader: inout JSONReader) throws -> ByteText { try checked(id: reader.readString()) }

    static func checked(id: ByteText) throws -> ByteText {
        if id.utf8.count > maxIDBytes {
            throw RequestRefusal(.badRequest, "the 'id' is longer than \(maxIDBytes) bytes")
        }
        return id
    }

    private static func inputs(
        _ reader: inout JSONReader, _ model: ServedModel, maxNumbers: Int, maxRows: Int
    ) throws -> [OpenInferenceTensor] {
        var tensors: [OpenInferenceTensor] = []
        try reader.readArray { reader in
            // Before what is too much is read.
            try OpenInferenceTensor.checkCount(tensors.count + 1, model)
            tensors.append(try OpenInferenceTensor(&reader, maxNumbers: maxNumbers, maxStrings: maxRows))
        }
        if tensors.isEmpty { throw RequestRefusal(.badRequest, "'inputs' is empty") }
        return tensors
    }

    private static func parameters(
        _ reader: inout JSONReader
    ) throws -> (isBinary: Bool?, views: RequestedViews?) {
        var isBinary: Bool?
        var views: RequestedViews?
        try reader.readObject { reader, name in
            switch name {
            case "binary_data_output": isBinary = try reader.readBool()
            case "views": views = try RequestedViews(&reader)
            default: try reader.skipValue()
            }
        }
        return (isBinary, views)
    }

    /// - Throws: ``RequestRefusal`` if another output would be one too many.
    static func checkOutputs(_ count: Int) throws {
        guard count < maxOutputs else {
            throw RequestRefusal(.badRequest, "the request asks for more than \(maxOutputs) outputs")
        }
    }

    /// Reads which outputs the client wants, and how.
    private static func outputs(_ reader: inout JSONReader) throws -> [RequestedOutput] {
        var requested: [RequestedOutput] = []
        try reader.readArray { reader in
            try checkOutputs(requested.count)
            var output = RequestedOutput()
            try reader.readObject { reader, name in
                if reader.takeNull() { return }
                switch name {
                case "name": output.name = try reader.readString()
                case "parameters":
                    try reader.readObject { reader, name in
                        switch name {
                        case "binary_data": output.isBinary = try reader.readBool()
                        case "classification": output.classCount = try reader.readInt()
                        default: try reader.skipValue()
                        }
                    }
                default: try reader.skipValue()
                }
            }
            requested.append(output)
        }
        return requested
    }
}
