// SPDX-License-Identifier: MIT

import Protobuf
import Protocols
import Testing

/// A network of 1 x 2 x 2 numbers that gives a map and two scores, under its file's names.
private let maps = ServedModel(
    name: "maps", version: "3", architecture: "onnx", task: .tensors, inputName: "picture", inputShape: [1, 2, 2],
    labels: [], outputs: [("map", [1, 1, 2]), ("scores", [2])])
/// Two rows of both.
private let answer: [Float] = [1, 2, 10, 20, 3, 4, 30, 40]

@Suite("models with several outputs") struct SeveralOutputsTests {
    private func read(_ outputs: String, input: String = "picture", parameters: String = "{}") throws
        -> OpenInferenceRequest
    {
        let json =
            #"{"inputs":[{"name":"\#(input)","datatype":"FP32","shape":[2,4],"data":[1,2,3,4,5,6,7,8]}],"#
            + #""parameters":\#(parameters),"outputs":\#(outputs)}"#
        return try OpenInferenceRequest(Array(json.utf8), headerLength: nil, model: maps, maxRows: 3)
    }

    private func text(_ outputs: String) throws -> String {
        let answer = try OpenInferenceAnswer(to: read(outputs), numbers: answer, model: maps)
        return String(decoding: answer.body, as: UTF8.self)
    }

    private let map = #"{"name":"map","datatype":"FP32","shape":[2,1,1,2],"data":[1.0,2.0,3.0,4.0]}"#
    private let scores = #"{"name":"scores","datatype":"FP32","shape":[2,2],"data":[10.0,20.0,30.0,40.0]}"#

    @Test func namesAreTheFiles() {
        #expect(maps.inputs.map(\.name) == ["picture", "image"])
        #expect(maps.allOutputs.map(\.name) == ["map", "scores"])
        #expect(maps.answerToImages == maps.outputs && maps.answerCount == 4)
        // What the server prepares itself keeps its name.
        let image = ServedModel(
            name: "a", version: "1", architecture: "onnx", task: .classification, inputName: "image",
            inputShape: [3, 2, 2], labels: ["a", "b"], outputs: [("probabilities", [2])])
        #expect(image.inputs.map(\.name) == ["input", "pixels", "image"])
        #expect(image.allOutputs.map(\.name) == ["probabilities"])
    }

    @Test func allAreGivenOrThoseThatAreNamed() throws {
        #expect(try text("[]").hasSuffix(#""outputs":[\#(map),\#(scores)]}"#))
        #expect(try text(#"[{"name":"scores"}]"#).hasSuffix(#""outputs":[\#(scores)]}"#))
        #expect(try text(#"[{"name":"scores"},{"name":"map"}]"#).hasSuffix(#""outputs":[\#(scores),\#(map)]}"#))
        #expect(try read("[]", input: "input").input == read("[]").input)
        let refused = [
            #"[{"name":"map"},{"name":"map"}]"#: "the output 'map' is asked for twice",
            #"[{"name":"logits"}]"#: "unknown output 'logits'; 'picture' is answered with 'map', 'scores'",
            "[" + Array(repeating: #"{"name":"map"}"#, count: 1025).joined(separator: ",") + "]":
                "the request asks for more than 1024 outputs",
        ]
        for (outputs, message) in refused {
            #expect(throws: RequestRefusal(.badRequest, message)) { try read(outputs) }
        }
        #expect(throws: RequestRefusal.self) { try read(#"[{"name":"map","parameters":{"classification":1}}]"#) }
    }

    @Test func eachIsBinaryOrNot() throws {
        let request = try read(#"[{"name":"scores","parameters":{"binary_data":true}},{"name":"map"}]"#)
        let mixed = try OpenInferenceAnswer(to: request, numbers: answer, model: maps)
        let length = try #require(mixed.headerLength)
        #expect(Array(mixed.body[length...]) == bytes([10, 20, 30, 40] as [Float]))
        let header = String(decoding: mixed.body[..<length], as: UTF8.self)
        #expect(header.contains(#""shape":[2,2],"parameters":{"binary_data_size":16}"#) && header.contains(map))
        let both = try OpenInferenceAnswer(
            to: read("[]", parameters: #"{"binary_data_output":true}"#), numbers: answer, model: maps)
        #expect(Array(both.body[(both.headerLength ?? 0)...]) == bytes([1, 2, 3, 4, 10, 20, 30, 40] as [Float]))
    }

    @Test(arguments: [true, false]) func messagesHoldAll(isRaw: Bool) throws {
        var writer = ProtobufWriter()
        writer.write(5) { tensor in
            tensor.write(1, string: "picture")
            tensor.write(2, string: "FP32")
            tensor.write(3, packed: [2, 4])
            if !isRaw { tensor.write(5) { $0.write(6, packed: [Float](repeating: 1, count: 8)) } }
        }
        writer.write(6) { $0.write(1, string: "scores") }
        writer.write(6) { $0.write(1, string: "map") }
        if isRaw { writer.write(7, bytes: bytes([Float](repeating: 1, count: 8))) }
        let request = try ModelInferMessage(writer.bytes[...], maxRows: 3).request(to: maps, maxRows: 3)
        let message = try OpenInferenceAnswer.message(to: request, numbers: answer, model: maps)
        var (names, raw): ([String], [[UInt8]]) = ([], [])
        try message.withUnsafeBytes { message in
            var reader = ProtobufReader(message)
            while let field = try reader.next() {
                if field.number == 6 { raw.append(Array(try field.bytes())) }
                guard field.number == 5 else { continue }
                var tensor = try field.message()
                while let field = try tensor.next() {
                    if field.number == 1 { names.append(try field.string(limit: 20)) }
                }
            }
        }
        #expect(names == ["scores", "map"])
        let expected = [bytes([10, 20, 30, 40] as [Float]), bytes([1, 2, 3, 4] as [Float])]
        #expect(raw == (isRaw ? expected : []))
    }
}
