// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Protocols
import Text

private let models = [
    ServedModel(
        name: "grey", version: "1", architecture: "a", task: .digits, inputShape: [1, 2, 2], labels: ["a", "b", "c"]),
    ServedModel(
        name: "colour", version: "1", architecture: "a", task: .rotation, inputShape: [3, 1, 2], labels: ["0", "90"]),
]
private let maxRows = 5

/// Reads the input as the body of every route that takes one. The first byte says how: the model, the content type, the
/// compression; the second and third are the length of the JSON, where one is given.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzInference(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard bytes.count >= 3 else { return 0 }
    let model = models[Int(bytes[0] & 1)]
    let body = Array(bytes[3...])
    let headerLength = Int(bytes[1]) | Int(bytes[2]) << 8
    switch bytes[0] >> 1 & 3 {
    case 0: checkOpenInference(body, nil, model)
    case 1: checkOpenInference(body, ByteText(String(headerLength)), model)
    case 2: checkTensorFlow(body, model)
    default: checkImages(body, contentType: bytes[1], model)
    }
    if bytes[0] & 0x80 != 0 {
        let limit = 100_000
        if let inflated = try? RequestBody.inflated(body, maxBytes: limit) {
            precondition(inflated.count <= limit, "more is inflated than the limit")
            checkOpenInference(inflated, nil, model)
        }
    }
    return 0
}

/// What any protocol gives a model must have the model's shape, and not more of it than the request holds.
private func check(_ input: ModelInput, _ body: [UInt8], _ model: ServedModel, mayBeNonFinite: Bool = false) {
    precondition((1...maxRows).contains(input.count), "more rows than the limit, or none")
    switch input {
    case .rows(let values, let count):
        precondition(values.count == count * model.input.rowCount, "not as many numbers as rows")
        precondition(values.count <= body.count, "more numbers than bytes")
        precondition(mayBeNonFinite || values.allSatisfy(\.isFinite), "a number that is not finite")
    case .pixels(let pixels, let count):
        precondition(pixels.count == count * model.input.rowCount, "not as many pixels as images")
        precondition(pixels.count <= body.count, "more pixels than bytes")
    case .images(let images):
        precondition(images.allSatisfy { !$0.isEmpty }, "an image without bytes")
        precondition(images.reduce(0) { $0 + $1.count } <= body.count, "larger images than the body")
    }
}

private func isSame(_ left: ModelInput, _ right: ModelInput) -> Bool {
    guard case .rows(let left, let count) = left, case .rows(let right, count) = right else { return left == right }
    // Bit by bit, also the sign of a zero.
    return left.map(\.bitPattern) == right.map(\.bitPattern)
}

private func checkOpenInference(_ body: [UInt8], _ headerLength: ByteText?, _ model: ServedModel) {
    guard
        let request = try? OpenInferenceRequest(body, headerLength: headerLength, model: model, maxRows: maxRows)
    else { return }
    check(request.input, body, model)
    // The same input, sent as binary in the plainest way, must be read the same.
    let (name, datatype, row, data) = binary(request.input, model)
    let shape = ([request.input.count] + row).map(String.init).joined(separator: ",")
    let head = Array(
        """
        {"inputs":[{"name":"\(name)","shape":[\(shape)],"datatype":"\(datatype)","parameters":\
        {"binary_data_size":\(data.count)}}]}
        """.utf8)
    let again = try? OpenInferenceRequest(
        head + data, headerLength: ByteText(String(head.count)), model: model, maxRows: maxRows)
    precondition(again.map { isSame($0.input, request.input) } ?? false, "as binary, it is another input")
    checkAnswer(request, model)
}

private func binary(_ input: ModelInput, _ model: ServedModel) -> (String, String, [Int], [UInt8]) {
    func littleEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    switch input {
    case .rows(let values, _):
        return ("input", "FP32", [model.input.rowCount], values.flatMap { littleEndian($0.bitPattern) })
    case .pixels(let pixels, _): return ("pixels", "UINT8", Array(model.pixels.shape.dropFirst()), pixels)
    case .images(let images): return ("image", "BYTES", [], images.flatMap { littleEndian(UInt32($0.count)) + $0 })
    }
}

/// An answer must be JSON, and what follows it as long as it says.
private func checkAnswer(_ request: OpenInferenceRequest, _ model: ServedModel) {
    let numbers = (0..<(request.input.count * model.labels.count)).map { Float($0) / 7 }
    guard let answer = try? OpenInferenceAnswer(to: request, numbers: numbers, model: model) else {
        preconditionFailure("finite numbers are not answered")
    }
    precondition(
        (try? OpenInferenceAnswer(to: request, numbers: numbers.dropLast() + [.nan], model: model)) == nil,
        "an answer that no JSON can hold")
    let header = answer.body.prefix(answer.headerLength ?? answer.body.count)
    guard let value = try? JSONValue(parsing: Array(header)), let output = value["outputs"]?.array?.first else {
        preconditionFailure("the answer is no JSON")
    }
    precondition(value["id"]?.string == request.id, "the answer bears another name")
    let size = output["parameters"]?["binary_data_size"] ?? .integer(0)
    precondition(size == .integer(answer.body.count - header.count), "the answer's binary data has another length")
    guard case .integer(request.input.count)? = output["shape"]?.array?.first else {
        preconditionFailure("the answer has another number of rows")
    }
}

private func checkTensorFlow(_ body: [UInt8], _ model: ServedModel) {
    guard let request = try? TensorFlowRequest(body, model: model, maxRows: maxRows) else { return }
    check(request.input, body, model, mayBeNonFinite: true)
}

private func checkImages(_ body: [UInt8], contentType: UInt8, _ model: ServedModel) {
    let types: [ByteText?] = [nil, "application/json", "multipart/form-data; boundary=X", "image/png", "text/plain"]
    let type = types[Int(contentType) % types.count]
    guard let images = try? ImageInput(body, contentType: type, maxImages: maxRows),
        let input = try? images.modelInput(model, maxImages: maxRows)
    else { return }
    check(input, body, model)
}
