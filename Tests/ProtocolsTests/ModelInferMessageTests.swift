// SPDX-License-Identifier: MIT

import Protobuf
import Protocols
import Testing

@Suite struct ModelInferMessageTests {
    /// Writes a `ModelInferRequest` of one tensor.
    private func message(
        _ name: String, _ type: String, _ shape: [Int], raw: [UInt8]? = nil, id: String = "",
        contents: ((inout ProtobufWriter) -> Void)? = nil, outputs: ((inout ProtobufWriter) -> Void)? = nil
    ) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, string: "grey")
        if !id.isEmpty { writer.write(3, string: id) }
        writer.write(5) { tensor in
            tensor.write(1, string: name)
            // The contents before the datatype: the order of fields means nothing.
            if let contents { tensor.write(5, message: contents) }
            tensor.write(2, string: type)
            tensor.write(3, packed: shape)
        }
        if let outputs { writer.write(6, message: outputs) }
        if let raw { writer.write(7, bytes: raw) }
        return writer.bytes
    }

    private func read(_ bytes: [UInt8]) throws -> OpenInferenceRequest {
        // Not at an array's start, as it comes out of its frame.
        try ModelInferMessage(([9] + bytes).dropFirst(), maxRows: 3).request(to: grey, maxRows: 3)
    }

    private func refusal(_ bytes: [UInt8]) -> String? {
        do {
            _ = try read(bytes)
            return nil
        } catch {
            return (error as? RequestRefusal)?.message ?? "\(error)"
        }
    }

    @Test func aParameterAsksForViews() throws {
        func asked(_ name: String, _ count: Int) throws -> RequestedViews? {
            var parameters = ProtobufWriter()
            parameters.write(4) { entry in
                entry.write(1, string: name)
                entry.write(2) { $0.write(2, int64: count) }
            }
            return try read(parameters.bytes + message("image", "BYTES", [1], raw: [1, 0, 0, 0, 9])).views
        }
        #expect(try [asked("views", 4), asked("views", 1), asked("priority", 4)] == [.four, .one, nil])
        #expect(throws: RequestRefusal(.badRequest, "'views' must be 1 or 4")) { try asked("views", 3) }
    }

    // MARK: Inputs

    private static let raw: [(String, [UInt8])] = [
        ("UINT8", bytes([1, 2, 3, 4] as [UInt8])), ("INT64", bytes([1, 2, 3, 4] as [Int64])),
        ("FP16", bytes([0x3C00, 0x4000, 0x4200, 0x4400] as [UInt16])),
        ("BF16", bytes([0x3F80, 0x4000, 0x4040, 0x4080] as [UInt16])), ("FP32", bytes([1, 2, 3, 4] as [Float])),
        ("FP64", bytes([1, 2, 3, 4] as [Double])),
    ]

    @Test(arguments: raw) func takesRawContents(type: String, data: [UInt8]) throws {
        let request = try read(message("input", type, [1, 4], raw: data, id: "x"))
        #expect(request.input == .rows([1, 2, 3, 4], count: 1))
        #expect(
            request.id == "x" && request.outputs.map(\.isBinary) == [true] && request.outputs[0].tensor.name == "logits"
        )
        #expect(refusal(message("input", type, [1, 4], raw: data + data)) != nil)
        #expect(refusal(message("input", type, [1, 4], raw: data.dropLast())) != nil)
        #expect(refusal(message("input", type, [1, 4], raw: [])) != nil)
    }

    /// Fields of `InferTensorContents`, numbers in them packed or one by one.
    private static let typed: [(String, Int, Bool)] = [
        ("INT8", 2, true), ("INT16", 2, false), ("INT32", 2, true), ("INT64", 3, true), ("UINT8", 4, false),
        ("UINT16", 4, true), ("UINT32", 4, true), ("UINT64", 5, true),
    ]

    @Test(arguments: typed) func takesTypedContents(type: String, field: Int, isPacked: Bool) throws {
        func contents(_ writer: inout ProtobufWriter) {
            if isPacked { return writer.write(field, packed: [1, 2, 3, 4]) }
            for value in 1...4 { writer.write(field, int64: value) }
        }
        let request = try read(message("input", type, [1, 4], contents: contents))
        #expect(request.input == .rows([1, 2, 3, 4], count: 1))
        #expect(!request.outputs[0].isBinary)
        #expect(refusal(message("input", "FP32", [1, 4], contents: contents))?.contains("expected field 6") == true)
        #expect(refusal(message("input", "FP16", [1, 4], contents: contents))?.contains("raw_input_contents") == true)
        #expect(refusal(message("input", type, [1, 4], raw: [1, 2, 3, 4], contents: contents)) != nil)
    }

    @Test func takesTypedFloats() throws {
        let single = message("input", "FP32", [1, 4]) { $0.write(6, packed: [1, -2, 0.5, 4] as [Float]) }
        #expect(try read(single).input == .rows([1, -2, 0.5, 4], count: 1))
        let double = message("input", "FP64", [1, 4]) { contents in
            for value in [1, -2, 0.5, 4] { contents.write(7, double: value) }
        }
        #expect(try read(double).input == .rows([1, -2, 0.5, 4], count: 1))
        let signed = message("input", "INT32", [1, 4]) { $0.write(2, packed: [-1, 2, 3, 4]) }
        #expect(try read(signed).input == .rows([-1, 2, 3, 4], count: 1))
        let three = message("input", "FP32", [1, 4]) { $0.write(6, packed: [1, 2, 3] as [Float]) }
        #expect(refusal(three) == "expected 4 numbers for the shape, got 3")
        let infinite = message("input", "FP32", [1, 4]) { $0.write(6, packed: [1, 2, 3, .infinity] as [Float]) }
        #expect(refusal(infinite)?.contains("finite") == true)
        let large = message("input", "INT8", [1, 4]) { $0.write(2, packed: [1, 2, 3, 128]) }
        #expect(refusal(large) == "128.0 is no INT8")
    }

    /// Images are bytes here, not base64.
    @Test func takesImages() throws {
        let typed = message("image", "BYTES", [2]) { contents in
            contents.write(8, bytes: [0xFF, 0xD8])
            contents.write(8, bytes: [1])
        }
        #expect(try read(typed).input == .images([[0xFF, 0xD8], [1]]))
        #expect(try read(typed).outputs[0].tensor.name == "probabilities")
        let raw = message("image", "BYTES", [2, 1], raw: [2, 0, 0, 0, 0xFF, 0xD8, 1, 0, 0, 0, 1])
        #expect(try read(raw).input == .images([[0xFF, 0xD8], [1]]))
        #expect(try read(raw).outputs[0].isBinary)
        #expect(
            refusal(message("image", "BYTES", [3]) { $0.write(8, bytes: [1]) })?.contains("expected 3 images") == true)
        let many = message("image", "BYTES", [4]) { contents in
            for _ in 0..<4 { contents.write(8, bytes: [1]) }
        }
        #expect(refusal(many)?.contains("more than 3") == true)
        #expect(refusal(message("input", "FP32", [1, 4]) { $0.write(8, bytes: [1]) }) != nil)
    }

    @Test func refusesWhatNoModelTakes() {
        #expect(refusal([])?.contains("expected one input") == true)
        #expect(refusal(message("other", "FP32", [1, 4], raw: []))?.contains("unknown input") == true)
        #expect(refusal(message("input", "FLOAT", [1, 4]))?.contains("unknown datatype") == true)
        #expect(refusal(message("input", "FP32", [1, 5], raw: [])) != nil)
        #expect(refusal(message("input", "FP32", [-1, 4], raw: [])) != nil)
        #expect(refusal(message("input", "FP32", [.max, 4], raw: [])) != nil)
        #expect(refusal(message("input", "FP32", Array(repeating: 1, count: 9), raw: [])) != nil)
        #expect(refusal(message("input", "BOOL", [1, 4]) { $0.write(1, packed: [1, 0, 1, 0]) }) != nil)
        let one = message("input", "UINT8", [1, 4], raw: [1, 2, 3, 4])
        #expect(refusal(one) == nil)
        // Two tensors, and two raw contents.
        #expect(refusal(one + one)?.contains("one input") == true)
        #expect(refusal(one + [0x3A, 1, 0])?.contains("one input") == true)
        #expect(
            refusal(message("input", "UINT8", [1, 4], raw: [1, 2, 3, 4], id: String(repeating: "a", count: 1025)))
                != nil)
        for end in 1..<one.count { _ = refusal(Array(one[..<end])) }
    }

    // MARK: Outputs

    private func requested(_ name: String, _ parameter: String, _ value: Int) -> (inout ProtobufWriter) -> Void {
        { output in
            output.write(1, string: name)
            output.write(2) { entry in
                entry.write(1, string: parameter)
                entry.write(2) { $0.write(2, int64: value) }
            }
        }
    }

    @Test func outputsAreChosen() throws {
        func read(_ outputs: @escaping (inout ProtobufWriter) -> Void) throws -> OpenInferenceRequest {
            try self.read(message("input", "UINT8", [1, 4], raw: [1, 2, 3, 4], outputs: outputs))
        }
        #expect(try read(requested("logits", "classification", 2)).outputs[0].classCount == 2)
        #expect(try read(requested("logits", "other", 2)).outputs[0].classCount == nil)
        #expect(throws: RequestRefusal.self) { try read(requested("probabilities", "classification", 2)) }
        #expect(throws: RequestRefusal.self) { try read(requested("logits", "shared_memory_region", 2)) }
    }

    /// The fields of a message of messages, texts and numbers: number, then the bytes.
    private func fields(_ message: [UInt8]) throws -> [(Int, [UInt8])] {
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var fields: [(Int, [UInt8])] = []
            while let field = try reader.next() { fields.append((field.number, Array(try field.bytes()))) }
            return fields
        }
    }

    @Test func answersHaveTheFormOfTheQuestion() throws {
        let raw = try read(message("input", "UINT8", [1, 4], raw: [1, 2, 3, 4], id: "x"))
        let answer = try fields(OpenInferenceAnswer.message(to: raw, numbers: [1, 3, 2], model: grey))
        #expect(answer.map(\.0) == [1, 2, 3, 5, 6])
        #expect(answer[2].1 == Array("x".utf8) && answer[4].1 == bytes([1, 3, 2] as [Float]))
        let tensor = try fields(answer[3].1)
        #expect(tensor.map(\.1) == [Array("logits".utf8), Array("FP32".utf8), [1, 3]])

        let typed = try read(message("input", "UINT8", [1, 4]) { $0.write(4, packed: [1, 2, 3, 4]) })
        let other = try fields(OpenInferenceAnswer.message(to: typed, numbers: [1, 3, 2], model: grey))
        #expect(other.map(\.0) == [1, 2, 5])
        let contents = try #require(try fields(other[2].1).last)
        #expect(try contents.0 == 5 && fields(contents.1)[0] == (6, bytes([1, 3, 2] as [Float])))
        #expect(throws: RequestRefusal.self) {
            try OpenInferenceAnswer.message(to: raw, numbers: [1, .nan, 2], model: grey)
        }
    }

    @Test func classesAreTexts() throws {
        let raw = try read(
            message("input", "UINT8", [1, 4], raw: [1, 2, 3, 4], outputs: requested("logits", "classification", 2)))
        let answer = try fields(OpenInferenceAnswer.message(to: raw, numbers: [1, 3, 2], model: grey))
        let texts = ["3.0:1:b", "2.0:2:c"]
        #expect(answer.last?.1 == texts.flatMap { [UInt8($0.utf8.count), 0, 0, 0] + Array($0.utf8) })
        let tensor = try fields(#require(answer.first { $0.0 == 5 }).1)
        #expect(tensor.map(\.1) == [Array("logits".utf8), Array("BYTES".utf8), [1, 2]])
    }
}
