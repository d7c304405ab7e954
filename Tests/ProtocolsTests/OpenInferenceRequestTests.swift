// SPDX-License-Identifier: MIT

import Protocols
import Testing
import Text

/// A model of 2 x 2 grey pixels and three classes.
let grey = ServedModel(
    name: "grey", version: "1", architecture: "a", task: .digits, inputShape: [1, 2, 2], labels: ["a", "b", "c"])

/// The little-endian bytes of numbers.
func bytes<Number>(_ numbers: [Number]) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number) { Array($0) } }
}

@Suite struct OpenInferenceRequestTests {
    private func read(_ json: String, tail: [UInt8] = [], isBinary: Bool = false) throws -> OpenInferenceRequest {
        try OpenInferenceRequest(
            Array(json.utf8) + tail, headerLength: isBinary ? ByteText(String(json.utf8.count)) : nil, model: grey,
            maxRows: 3)
    }

    private func read(_ name: String, _ type: String, _ shape: String, data: String) throws -> ModelInput {
        try read(#"{"inputs":[{"name":"\#(name)","datatype":"\#(type)","shape":\#(shape),"data":\#(data)}]}"#).input
    }

    private func read(_ name: String, _ type: String, _ shape: String, binary: [UInt8]) throws -> ModelInput {
        let json =
            #"{"inputs":[{"name":"\#(name)","datatype":"\#(type)","shape":\#(shape),"parameters":{"binary_data_size":\#(binary.count)}}]}"#
        return try read(json, tail: binary, isBinary: true).input
    }

    private func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RequestRefusal)?.message ?? "\(error)"
        }
    }

    // MARK: Datatypes

    private static let numbers: [(String, [UInt8])] = [
        ("UINT8", bytes([1, 2, 3, 4] as [UInt8])), ("UINT16", bytes([1, 2, 3, 4] as [UInt16])),
        ("UINT32", bytes([1, 2, 3, 4] as [UInt32])), ("UINT64", bytes([1, 2, 3, 4] as [UInt64])),
        ("INT8", bytes([1, 2, 3, 4] as [Int8])), ("INT16", bytes([1, 2, 3, 4] as [Int16])),
        ("INT32", bytes([1, 2, 3, 4] as [Int32])), ("INT64", bytes([1, 2, 3, 4] as [Int64])),
        ("FP16", bytes([0x3C00, 0x4000, 0x4200, 0x4400] as [UInt16])),
        ("BF16", bytes([0x3F80, 0x4000, 0x4040, 0x4080] as [UInt16])),
        ("FP32", bytes([1, 2, 3, 4] as [Float])), ("FP64", bytes([1, 2, 3, 4] as [Double])),
    ]

    @Test(arguments: numbers)
    func takesNumbersOfAnyTypeAsBinary(type: String, data: [UInt8]) throws {
        #expect(try read("input", type, "[1,4]", binary: data) == .rows([1, 2, 3, 4], count: 1))
        #expect(try read("pixels", type, "[1,2,2,1]", binary: data) == .pixels([1, 2, 3, 4], count: 1))
        #expect(message { _ = try read("input", type, "[1,4]", binary: data + data) } != nil)
        #expect(message { _ = try read("input", type, "[1,4]", binary: data.dropLast()) } != nil)
    }

    @Test func negativeNumbersAndHalvesKeepTheirValue() throws {
        #expect(
            try read("input", "INT16", "[1,4]", binary: bytes([-1, -32768, 32767, 0] as [Int16]))
                == .rows([-1, -32768, 32767, 0], count: 1))
        #expect(
            try read("input", "FP16", "[1,4]", binary: bytes([0xBC00, 0x0001, 0x7BFF, 0x8000] as [UInt16]))
                == .rows([-1, 0x1p-24, 65504, -0.0], count: 1))
        #expect(
            try read("input", "FP16", "[1,4]", binary: bytes([0x03FF, 0xFBFF, 0, 1] as [UInt16]))
                == .rows([0x3FFp-24, -65504, 0, 0x1p-24], count: 1))
    }

    /// Whichever way they come, no network can make anything of them.
    @Test(arguments: [
        ("FP16", bytes([0, 0x7C00, 0, 0] as [UInt16])), ("FP16", bytes([0, 0xFC00, 0, 0] as [UInt16])),
        ("FP16", bytes([0, 0x7E00, 0, 0] as [UInt16])), ("BF16", bytes([0, 0x7F80, 0, 0] as [UInt16])),
        ("FP32", bytes([0, .nan, 0, 0] as [Float])), ("FP32", bytes([0, -.infinity, 0, 0] as [Float])),
        ("FP64", bytes([0, 1e39, 0, 0] as [Double])), ("FP64", bytes([0, .nan, 0, 0] as [Double])),
    ])
    func refusesNumbersThatAreNotFinite(type: String, data: [UInt8]) {
        for name in ["input", "pixels"] {
            #expect(message { _ = try read(name, type, "[1,4]", binary: data) } != nil)
        }
        #expect(
            message { _ = try read("input", type, "[1,4]", binary: data) }?.hasPrefix("number 2 of the input is ")
                == true
        )
        if type == "FP32" {
            #expect(
                message {
                    _ = try OpenInferenceRequest(data, headerLength: "0", model: grey, maxRows: 1)
                } != nil)
        }
    }

    @Test(arguments: ["FP32", "FP64", "INT64"])
    func refusesJSONNumbersBeyondAFloat(type: String) {
        let text = message { _ = try read("input", type, "[1,4]", data: "[1,2,1e39,4]") }
        #expect(text?.hasSuffix("a number beyond the largest that can be held") == true, "\(text ?? "taken")")
    }

    @Test func anAnswerThatIsNotFiniteIsAnError() throws {
        for type in ["", #","outputs":[{"name":"logits","parameters":{"binary_data":true}}]"#] {
            let request = try read(
                #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]\#(type)}"#)
            #expect(throws: RequestRefusal.self) {
                try OpenInferenceAnswer(to: request, numbers: [1, .nan, 3], model: grey)
            }
            #expect(throws: RequestRefusal.self) {
                try OpenInferenceAnswer(to: request, numbers: [1, 2, .infinity], model: grey)
            }
        }
    }

    @Test(arguments: [
        "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64",
    ])
    func takesNumbersAsJSON(type: String) throws {
        #expect(try read("input", type, "[1,1,2,2]", data: "[[[[1,2],[3,4]]]]") == .rows([1, 2, 3, 4], count: 1))
        #expect(try read("pixels", type, "[1,2,2]", data: "[1,2,3,4]") == .pixels([1, 2, 3, 4], count: 1))
    }

    @Test(arguments: [
        ("INT32", "1.5"), ("UINT8", "256"), ("UINT8", "-1"), ("INT8", "128"), ("INT8", "-129"), ("UINT16", "65536"),
        ("INT16", "-32769"), ("UINT32", "-1"), ("UINT32", "8e9"), ("INT32", "4e9"), ("INT64", "1e19"),
        ("UINT64", "1e20"),
    ])
    func refusesNumbersThatTheirTypeDoesNotHold(type: String, number: String) {
        let text = message { _ = try read("input", type, "[1,4]", data: "[1,2,3,\(number)]") }
        #expect(text?.hasSuffix("is no \(type)") == true, "\(text ?? "taken")")
    }

    @Test(arguments: [
        ("FP16", "[1,2,3,4]", "FP16 is taken as binary data only"),
        ("BF16", "[1]", "BF16 is taken as binary data only"),
        ("BOOL", "[1,2,3,4]", "'input' takes FP32, got BOOL"), ("BYTES", "[1,2,3,4]", "'input' takes FP32, got BYTES"),
        ("FP8", "[1,2,3,4]", "unknown datatype 'FP8'"), ("INT64", #"["1","2","3"]"#, "expected numbers, got strings"),
    ])
    func refusesTypesThatAreNoNumbers(type: String, data: String, expected: String) {
        #expect(message { _ = try read("input", type, "[1,4]", data: data) } == expected)
    }

    // MARK: Pixels and images

    @Test(arguments: ["[1,2,2,1]", "[1,2,2]", "[1,4]"])
    func pixelsComeChannelsLast(shape: String) throws {
        #expect(try read("pixels", "UINT8", shape, data: "[0,255,7,9]") == .pixels([0, 255, 7, 9], count: 1))
        #expect(message { _ = try read("pixels", "INT64", shape, data: "[0,256,7,9]") } != nil)
        #expect(message { _ = try read("pixels", "FP32", shape, data: "[0,-1,7,9]") } != nil)
    }

    @Test func imagesComeEncoded() throws {
        let images = ModelInput.images([[1, 2, 3], [4]])
        #expect(try read("image", "BYTES", "[2]", data: #"["AQID","BA=="]"#) == images)
        #expect(try read("image", "BYTES", "[2,1]", data: #"[["data:image/png;base64,AQID"],["BA=="]]"#) == images)
        #expect(try read("image", "BYTES", "[2]", binary: [3, 0, 0, 0, 1, 2, 3, 1, 0, 0, 0, 4]) == images)
    }

    @Test(
        arguments: [
            [3, 0, 0, 0, 1, 2], [3, 0, 0], [0, 0, 0, 0], [255, 255, 255, 255, 1], [1, 0, 0, 0, 1, 1, 0, 0, 0, 1], [],
            [1, 0, 0, 0, 1, 0],
        ] as [[UInt8]])
    func refusesElementsOfTheWrongSize(data: [UInt8]) {
        #expect(message { _ = try read("image", "BYTES", "[1]", binary: data) } != nil)
    }

    @Test(arguments: [
        ("[1]", "[1]"), ("[1]", #"["!"]"#), ("[1]", #"[""]"#), ("[2]", #"["AQID"]"#), ("[1]", #"["AQID","AQID"]"#),
        ("[4]", #"["AQID","AQID","AQID","AQID"]"#), ("[1,2]", #"["AQID","AQID"]"#), ("[1]", #"[["AQID"],"AQID"]"#),
        ("[1]", #""AQID""#), ("[1]", "[]"), ("[0]", "[]"),
    ])
    func refusesOtherImages(shape: String, data: String) {
        #expect(message { _ = try read("image", "BYTES", shape, data: data) } != nil)
    }

    @Test func skipsWhatItDoesNotKnowAndWhatIsNull() throws {
        let request = try read(
            #"{"id":null,"model_name":"x","parameters":null,"inputs":[{"parameters":null,"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4],"x":[{}]}],"outputs":null}"#
        )
        #expect(request.id == nil && request.input == .rows([1, 2, 3, 4], count: 1))
    }

    @Test func theNameOfARequestIsShort() throws {
        func request(_ count: Int) throws -> OpenInferenceRequest {
            let id = String(repeating: "\u{7F}", count: count)
            return try read(
                #"{"id":"\#(id)","inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#)
        }
        #expect(try request(1024).id?.utf8.count == 1024)
        #expect(message { _ = try request(1025) } == "the 'id' is longer than 1024 bytes")
    }

    /// Each text from outside that a refusal repeats is cut: one letter can bear a megabyte of accents.
    @Test func refusalsAreShort() {
        let long = "x" + String(repeating: "\u{301}", count: 100_000)
        let row = #""datatype":"FP32","shape":[1,4],"data":[1,2,3,4]"#
        for json in [
            #"{"inputs":[{"name":"\#(long)",\#(row)}]}"#,
            #"{"inputs":[{"name":"input","datatype":"\#(long)","shape":[1,4],"data":[1,2,3,4]}]}"#,
            #"{"inputs":[{"name":"input",\#(row)}],"outputs":[{"name":"\#(long)"}]}"#,
            #"{"\#(long)":1,"\#(long)":1}"#,
        ] {
            let text = message { _ = try read(json) }
            #expect(text.map { $0.utf8.count < 400 } == true, "\(text?.utf8.count ?? 0) bytes")
        }
    }

    // MARK: Outputs

    @Test func eachInputHasItsOutput() throws {
        let tensor = #""inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]"#
        let image = #""inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AQID"]}]"#
        #expect(try read("{\(tensor)}").outputs.map(\.tensor) == [grey.output])
        #expect(try read("{\(image)}").outputs.map(\.tensor) == [grey.probabilities])
        #expect(
            message { _ = try read(#"{\#(image),"outputs":[{"name":"logits"}]}"#) }
                == "unknown output 'logits'; 'image' is answered with 'probabilities'")
        #expect(message { _ = try read(#"{\#(tensor),"outputs":[{"name":"logits"},{"name":"logits"}]}"#) } != nil)
        #expect(message { _ = try read("{\(tensor),\(image)}") } != nil)
    }

    private func answer(_ outputs: String) throws -> OpenInferenceAnswer {
        let request = try read(
            #"{"inputs":[{"name":"input","datatype":"FP32","shape":[2,4],"data":[1,2,3,4,5,6,7,8]}],"outputs":[\#(outputs)]}"#
        )
        return try OpenInferenceAnswer(to: request, numbers: [0.5, 2, 1, 7, 7, -1], model: grey)
    }

    @Test func answersWithTheLikeliestClasses() throws {
        let text = try answer(#"{"name":"logits","parameters":{"classification":2}}"#)
        #expect(
            String(decoding: text.body, as: UTF8.self)
                == #"{"model_name":"grey","model_version":"1","outputs":[{"name":"logits","datatype":"BYTES","shape":[2,2],"data":["2.0:1:b","1.0:2:c","7.0:0:a","7.0:1:b"]}]}"#
        )
        let binary = try answer(#"{"name":"logits","parameters":{"classification":1,"binary_data":true}}"#)
        let tail = binary.body[(binary.headerLength ?? 0)...]
        #expect(Array(tail) == [7, 0, 0, 0] + "2.0:1:b".utf8 + [7, 0, 0, 0] + "7.0:0:a".utf8)
        let all = try answer(#"{"name":"logits","parameters":{"classification":9}}"#)
        #expect(String(decoding: all.body, as: UTF8.self).contains(#""shape":[2,3]"#))
        let none = try answer(#"{"name":"logits","parameters":{"classification":0}}"#)
        #expect(String(decoding: none.body, as: UTF8.self).contains(#""data":[0.5,2.0,1.0,7.0,7.0,-1.0]"#))
    }
}
