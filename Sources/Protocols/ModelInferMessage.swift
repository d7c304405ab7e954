// SPDX-License-Identifier: MIT

import HTTP
import Protobuf
import Text

/// A `ModelInferRequest` of the Open Inference Protocol's gRPC form, read but not yet held against its model.
///
/// - Source: github.com/kserve/open-inference-protocol, and Triton's classification extension.
package struct ModelInferMessage {
    /// The model that is asked, and its version; empty for the newest.
    package private(set) var modelName: ByteText = ""
    package private(set) var modelVersion: ByteText = ""
    private var id: ByteText?
    private var tensors: [OpenInferenceTensor] = []
    private var requested: [OpenInferenceRequest.RequestedOutput] = []
    private var views: RequestedViews?
    private var raw: [ArraySlice<UInt8>] = []

    /// The most inputs, and elements of `raw_input_contents`, that are read before the model is known.
    private static let maxInputs = 1024

    /// Reads a message.
    ///
    /// - Parameter maxRows: The most rows or images.
    /// - Throws: ``RequestRefusal`` or `ProtobufError`.
    package init(_ message: ArraySlice<UInt8>, maxRows: Int) throws {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() { try take(field, bytes, message, maxRows) }
        }
    }

    private mutating func take(
        _ field: ProtobufField, _ bytes: UnsafeRawBufferPointer, _ message: ArraySlice<UInt8>, _ maxRows: Int
    ) throws {
        switch field.number {
        case 1: modelName = ByteText(try field.string(limit: OpenInferenceTensor.maxNameBytes))
        case 2: modelVersion = ByteText(try field.string(limit: OpenInferenceTensor.maxNameBytes))
        case 3:
            let text = ByteText(try field.string(limit: bytes.count))
            id = text.isEmpty ? nil : try OpenInferenceRequest.checked(id: text)
        case 4:
            let parameter = try InferParameter(field.message())
            if parameter.name == "views" { views = try RequestedViews(parameter.integer) }
        case 5:
            try Self.checkInputs(tensors.count)
            tensors.append(try OpenInferenceTensor(try field.message(), maxStrings: maxRows))
        case 6:
            try OpenInferenceRequest.checkOutputs(requested.count)
            requested.append(try Self.requestedOutput(field.message()))
        case 7:
            try Self.checkInputs(raw.count)
            // In place: the message is not copied.
            let content = try field.bytes()
            let start = content.baseAddress.flatMap { start in bytes.baseAddress.map { start - $0 } } ?? 0
            raw.append(message.dropFirst(start).prefix(content.count))
        default: break
        }
    }

    private static func checkInputs(_ count: Int) throws {
        guard count < maxInputs else {
            throw RequestRefusal(.badRequest, "the request has more than \(maxInputs) inputs")
        }
    }

    /// Reads an `InferRequestedOutputTensor`.
    private static func requestedOutput(_ message: ProtobufReader) throws -> OpenInferenceRequest.RequestedOutput {
        var reader = message
        var requested = OpenInferenceRequest.RequestedOutput(name: "")
        while let field = try reader.next() {
            switch field.number {
            case 1: requested.name = ByteText(try field.string(limit: OpenInferenceTensor.maxNameBytes))
            case 2:
                let parameter = try InferParameter(field.message())
                try parameter.checkNoSharedMemory()
                if parameter.name == "classification" { requested.classCount = parameter.integer }
            default: break
            }
        }
        return requested
    }

    /// What is asked of the model. The answer has the form of the question: raw where that is raw.
    ///
    /// - Throws: ``RequestRefusal``.
    package func request(to model: ServedModel, maxRows: Int) throws -> OpenInferenceRequest {
        if tensors.isEmpty {
            throw RequestRefusal(
                .badRequest,
                model.takesPictures
                    ? "expected one input, got none"
                    : "'\(model.name)' takes \(model.shownInputs); the request has none")
        }
        try OpenInferenceTensor.checkCount(tensors.count, model)
        var tensors = tensors
        guard raw.isEmpty || raw.count == tensors.count else {
            throw RequestRefusal(
                .badRequest,
                model.takesPictures
                    ? "the model takes one input; raw_input_contents has more elements"
                    : "expected an element of raw_input_contents for each input, \(tensors.count), got \(raw.count)")
        }
        for place in raw.indices { tensors[place].binarySize = raw[place].count }
        return try OpenInferenceRequest(
            id: id, tensors, requested, tails: raw.isEmpty ? tensors.map { _ in [] } : raw, isBinary: !raw.isEmpty,
            views: views, model: model, maxRows: maxRows)
    }
}

extension OpenInferenceAnswer {
    /// The `ModelInferResponse` that answers a request.
    ///
    /// - Parameter numbers: All that the model answers, row by row; in each, the outputs one behind the other.
    /// - Throws: ``RequestRefusal`` if one is not finite.
    package static func message(
        to request: OpenInferenceRequest, numbers: [Float], model: ServedModel
    ) throws -> [UInt8] {
        try checkFinite(numbers)
        var response = ProtobufWriter()
        response.write(1, string: model.name)
        response.write(2, string: model.version)
        if let id = request.id { response.write(3, string: id) }
        if let precision = model.loweredPrecision {
            response.write(4) { entry in
                entry.write(1, string: "precision")
                entry.write(2) { $0.write(3, string: precision) }
            }
        }
        var raw: [[UInt8]] = []
        for output in request.outputs {
            write(output, request.numbers(of: output.tensor, in: numbers), labels: model.labels, &response, &raw)
        }
        for bytes in raw { response.write(6, bytes: bytes) }
        return response.bytes
    }

    /// - Parameters:
    ///   - numbers: The output's values, row by row.
    ///   - raw: Gets those of a raw output.
    private static func write(
        _ output: OpenInferenceRequest.Output, _ numbers: [Float], labels: [String],
        _ response: inout ProtobufWriter, _ raw: inout [[UInt8]]
    ) {
        let rowCount = max(output.tensor.rowCount, 1)
        let classes = output.classCount.map { Self.classes(numbers, rowCount: rowCount, count: $0, labels: labels) }
        let rows = numbers.count / rowCount
        let shape = output.classCount.map { [rows, $0] } ?? [rows] + output.tensor.shape.dropFirst()
        response.write(5) { message in
            message.write(1, string: output.tensor.name)
            message.write(2, string: (classes == nil ? output.tensor.datatype : .bytes).rawValue)
            message.write(3, packed: shape)
            if output.isBinary { return }
            message.write(5) { contents in
                if let classes {
                    for text in classes { contents.write(8, string: text) }
                } else {
                    contents.write(6, packed: numbers)
                }
            }
        }
        guard output.isBinary else { return }
        raw.append(classes.map { $0.flatMap { littleEndian(UInt32($0.utf8.count)) + $0.utf8 } } ?? binary(numbers))
    }

    private static func binary(_ numbers: [Float]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: numbers.count * 4) { bytes, count in
            for number in numbers {
                UnsafeMutableRawPointer(bytes.baseAddress.unsafelyUnwrapped).storeBytes(
                    of: number.bitPattern.littleEndian, toByteOffset: count, as: UInt32.self)
                count += 4
            }
        }
    }
}
