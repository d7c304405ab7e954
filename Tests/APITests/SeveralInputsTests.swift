// SPDX-License-Identifier: MIT

import API
import HTTP
import Protobuf
import Protocols
import TestSupport
import Testing
import Transport

/// A model that takes tensors, as every protocol tells of it.
@Suite("models with several inputs") struct SeveralInputsTests {
    private let api: API

    init() throws {
        let pair = ServedModel(
            name: "pair", version: "1", architecture: "onnx", inputs: [("left", [1, 2]), ("right", [])],
            outputs: [("sum", [2])])
        let fleet = try FleetStatistics()
        fleet[.slotsInUse] = 1
        api = API(models: [pair], statistics: WorkerStatistics(fleet: fleet, slot: 0), policy: API.Policy())
    }

    @Test func metadataNameAllInputs() throws {
        #expect(
            try api.answer("GET", "/v2/models/pair").text
                == #"{"name":"pair","versions":["1"],"platform":"swiftnet_onnx","inputs":[{"name":"left","datatype":"FP32","shape":[-1,1,2]},{"name":"right","datatype":"FP32","shape":[-1]}],"outputs":[{"name":"sum","datatype":"FP32","shape":[-1,2]}]}"#
        )
        let configuration = try api.answer("GET", "/v2/models/pair/config").text
        #expect(
            configuration.contains(
                #""input":[{"name":"left","data_type":"TYPE_FP32","dims":[1,2],"optional":false},{"name":"right","data_type":"TYPE_FP32","dims":[1],"optional":false}]"#
            ), "\(configuration)")
        let v1 = try api.answer("GET", "/v1/models/pair/metadata").text
        #expect(v1.contains(#""left":{"dtype":"DT_FLOAT""#) && v1.contains(#""right":{"#), "\(v1)")
    }

    @Test func metadataOverGRPCNameAllInputs() throws {
        var name = ProtobufWriter()
        name.write(1, string: "pair")
        func message(_ method: String) throws -> [UInt8] {
            let response = try api.answer(
                "POST", "/inference.GRPCInferenceService/" + method, headers: [GRPCWeb.contentType],
                body: GRPCWeb.frame(name.bytes))
            let answer = try #require(GRPCWeb.Answer(response.body))
            return try #require(answer.messages.first, "\(answer)")
        }
        /// The messages of a field, each with the texts and the whether that are in it.
        func inputs(_ message: [UInt8], _ number: Int) throws -> [(name: String, isOptional: Bool)] {
            try message.withUnsafeBytes { bytes in
                var reader = ProtobufReader(bytes)
                var found: [(String, Bool)] = []
                while let field = try reader.next() {
                    guard field.number == number else { continue }
                    var tensor = try field.message()
                    found.append(("", false))
                    while let field = try tensor.next() {
                        if field.number == 1 { found[found.count - 1].0 = try field.string(limit: 20) }
                        if field.number == 8 { found[found.count - 1].1 = true }
                    }
                }
                return found
            }
        }
        #expect(try inputs(message("ModelMetadata"), 4).map(\.name) == ["left", "right"])
        let configuration = try message("ModelConfig").withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            let field = try #require(try reader.next())
            return Array(try field.bytes())
        }
        let configured = try inputs(configuration, 5)
        #expect(configured.map(\.name) == ["left", "right"] && !configured.contains(where: \.isOptional))
    }

    @Test(arguments: [
        ("/predict/pair", "image/png", "x"), ("/v1/models/pair:predict", "application/json", #"{"instances":[[1,2]]}"#),
        ("/v1/models/pair:predict", "application/json", #"{"inputs":{"left":[1,2]}}"#),
    ])
    func whatTakesAPictureRefusesIt(path: String, type: String, body: String) throws {
        let answer = try api.answer("POST", path, headers: ["Content-Type: \(type)"], text: body)
        #expect(answer.status == .badRequest)
        #expect(
            answer.text
                == #"{"error":"'pair' takes no pictures but 2 inputs, 'left', 'right', by POST /v2/models/pair/infer"}"#
        )
        #expect(
            try api.answer("POST", "/inference", headers: ["Content-Type: image/png"], text: "x").status == .notFound)
    }

    @Test func imagesAreNoInput() throws {
        let json = #"{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["AAAA"]}]}"#
        let answer = try api.answer("POST", "/v2/models/pair/infer", text: json)
        #expect(answer.status == .badRequest && answer.text.contains("unknown input 'image'"), "\(answer.text)")
    }
}
