// SPDX-License-Identifier: MIT

import API
import HTTP
import JSON
import Testing

/// What the stub's logits end with, as text and as numbers.
private let zeros = Array(repeating: "0.0", count: 8).joined(separator: ",")
private let none = [Float](repeating: 0, count: 8)

/// `/v1` and `/v2`.
@Suite struct ProtocolTests {
    private let api: API

    init() throws {
        api = try API.stub()
    }

    private func floats(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    private func infer(_ json: String, tail: [UInt8] = [], headerLength: String? = nil) throws -> Response {
        let headers = headerLength.map { ["Inference-Header-Content-Length: \($0)"] } ?? []
        return try api.answer("POST", "/v2/models/digits/infer", headers: headers, body: Array(json.utf8) + tail)
    }

    private let input = #""name":"input","datatype":"FP32","shape":[2,1,2,2]"#

    // MARK: v2

    @Test(arguments: ["[1,2,3,4,5,6,7,8]", "[[[[1,2],[3,4]]],[[[5,6],[7,8]]]]"])
    func infersFromNumbers(data: String) throws {
        let response = try infer(#"{"id":"a","inputs":[{\#(input),"data":\#(data)}]}"#)
        #expect(
            response.text
                == #"{"model_name":"digits","model_version":"2","id":"a","outputs":[{"name":"logits","datatype":"FP32","shape":[2,10],"data":[10.0,-10.0,\#(zeros),26.0,-26.0,\#(zeros)]}]}"#
        )
    }

    @Test func infersFromBinaryAndAnswersInBinary() throws {
        let json =
            #"{"inputs":[{\#(input),"parameters":{"binary_data_size":32}}],"outputs":[{"name":"logits","parameters":{"binary_data":true}}]}"#
        let response = try infer(json, tail: floats([1, 2, 3, 4, 5, 6, 7, 8]), headerLength: String(json.utf8.count))
        let length = try #require(response.header("Inference-Header-Content-Length").flatMap { Int($0) })
        #expect(
            String(decoding: response.body[..<length], as: UTF8.self).hasSuffix(
                #""parameters":{"binary_data_size":80}}]}"#))
        #expect(Array(response.body[length...]) == floats([10, -10] + none + [26, -26] + none))
    }

    @Test func aRequestCanWishForBinaryAsAWhole() throws {
        let json = #"{"parameters":{"binary_data_output":true},"inputs":[{\#(input),"data":[1,2,3,4,5,6,7,8]}]}"#
        #expect(try infer(json).header("Inference-Header-Content-Length") != nil)
        let named = json.dropLast() + #","outputs":[{"name":"logits","parameters":{"binary_data":false}}]}"#
        #expect(try infer(String(named)).header("Inference-Header-Content-Length") == nil)
    }

    @Test func aBodyWithoutJSONIsOneRow() throws {
        let response = try infer("", tail: floats([1, 2, 3, 4]), headerLength: "0")
        #expect(response.status == .ok)
        #expect(response.body.suffix(40) == floats([10, -10] + none)[...])
        #expect(try infer("", tail: floats([1, 2, 3]), headerLength: "0").status == .badRequest)
    }

    @Test(arguments: [
        #"{}"#, #"{"inputs":[]}"#, #"{"inputs":[{"name":"input"}]}"#, "[]", "", "{",
        #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[-1,4],"data":[]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[0,4],"data":[]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1.5,4],"data":[1,2,3,4]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[4611686018427387904,4],"data":[1,2,3,4]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4],"data":[1,2,3,4]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]},{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}],"outputs":[{"name":"x"}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}],"outputs":[{"name":"logits"},{"name":"logits"}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"parameters":{"binary_data_size":16}}]}"#,
        #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[NaN,2,3,4]}]}"#,
    ])
    func refusesRequestsThatLie(json: String) throws {
        let response = try infer(json)
        #expect([400, 413].contains(response.status.code), "\(response.text)")
        #expect(response.text.hasPrefix("{\"error\":\""))
    }

    @Test func refusesBinaryDataOfTheWrongSize() throws {
        let json =
            #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"parameters":{"binary_data_size":16}}]}"#
        let length = String(json.utf8.count)
        #expect(try infer(json, tail: floats([1, 2, 3, 4]), headerLength: length).status == .ok)
        for tail in [floats([1, 2, 3]), floats([1, 2, 3, 4, 5]), []] {
            #expect(try infer(json, tail: tail, headerLength: length).status == .badRequest)
        }
        for wrong in ["-1", "x", "", "99999", "1e2", "99999999999999999999"] {
            #expect(try infer(json, tail: floats([1, 2, 3, 4]), headerLength: wrong).status == .badRequest)
        }
        let numbers = #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#
        let extra = try infer(numbers, tail: [0], headerLength: String(numbers.utf8.count))
        #expect(extra.text == #"{"error":"unexpected additional input data"}"#)
    }

    @Test func describesServerAndModels() throws {
        #expect(try api.answer("GET", "/v2").text.hasPrefix(#"{"name":"swiftnet","#))
        #expect(try api.answer("GET", "/v2/").status == .ok)
        #expect(try api.answer("GET", "/v2/models").text == #"{"models":["digits","turns"]}"#)
        #expect(
            try api.answer("GET", "/v2/models/digits/versions/2").text
                == #"{"name":"digits","versions":["2"],"platform":"swiftnet_stub","inputs":[{"name":"input","datatype":"FP32","shape":[-1,1,2,2]},{"name":"pixels","datatype":"UINT8","shape":[-1,2,2,1]},{"name":"image","datatype":"BYTES","shape":[-1]}],"outputs":[{"name":"logits","datatype":"FP32","shape":[-1,10]},{"name":"probabilities","datatype":"FP32","shape":[-1,10]}]}"#
        )
        #expect(try api.answer("GET", "/v2/models/digits/ready").text == #"{"name":"digits","ready":true}"#)
        #expect(try api.answer("GET", "/v2/models/digits/config").status == .ok)
        #expect(
            try api.answer("POST", "/v2/repository/index").text.hasPrefix(
                #"[{"name":"digits","version":"2","state":"READY""#))
    }

    /// The event loop reads these bodies itself, so nothing that takes it long may be in them, packed or not.
    @Test(arguments: ["/v2/repository/index", "/v2/repository/models/digits/load"])
    func bodiesForTheEventLoopAreShort(path: String) throws {
        let api = try API.stub { $0.allowsAdministration = true }
        #expect(try api.admittedBodyBytes("POST", path) == API.maxEventLoopBodyBytes)
        // gzip of {"ready": true} with 20,000 blanks.
        let text =
            "H4sIAAAAAAACA+3BQQkAIBAAsCqHMWwjaIFDHyJ2t4aPbafkaH2XGjPXCAAAAAAAAAAAAAAAAAAAAAAAAAC+cB8aFRkRL04AAA=="
        let packed = try #require(base64Decoded(text.utf8))
        let answer = try api.answer("POST", path, headers: ["Content-Encoding: gzip"], body: packed)
        #expect(answer.status == .contentTooLarge)
    }

    @Test func bodiesForModelsMayBeLong() throws {
        #expect(try api.admittedBodyBytes("POST", "/inference") == HTTPLimits().maxBodyBytes)
    }

    @Test func theIndexNamesWhatCouldNotBeLoaded() throws {
        api.unloadable.note("none", "there is \"no\" such file")
        let failed = #",{"name":"none","version":"","state":"UNAVAILABLE","reason":"there is \"no\" such file"}]"#
        #expect(try api.answer("POST", "/v2/repository/index", text: "{}").text.hasSuffix(failed))
        for text in [#"{"ready":true}"#, #"{"x":[],"ready":true}"#] {
            #expect(try !api.answer("POST", "/v2/repository/index", text: text).text.contains("UNAVAILABLE"))
        }
        #expect(try api.answer("POST", "/v2/repository/index", text: #"{"ready":1}"#).status == .badRequest)
        api.unloadable.note("", "")
        #expect(try !api.answer("POST", "/v2/repository/index").text.contains("UNAVAILABLE"))
    }

    @Test func aModelIsLoadedByNameAlone() throws {
        let api = try API.stub { $0.allowsAdministration = true }
        let path = "/v2/repository/models/digits"
        for text in ["", "{}", #"{"parameters":{}}"#] {
            #expect(try api.answer("POST", "\(path)/load", text: text).text == #"load(model: "digits")"#)
        }
        let unload = #"{"parameters":{"unload_dependents":false}}"#
        #expect(try api.answer("POST", "\(path)/unload", text: unload).text == #"unload(model: "digits")"#)
        for text in [#"{"parameters":{"config":"{}"}}"#, #"{"parameters":{"file:1/model.pth":"AA=="}}"#, "[]", "{"] {
            #expect(try api.answer("POST", "\(path)/load", text: text).status == .badRequest)
        }
    }

    @Test func countsImagesAndRuns() throws {
        _ = try infer(#"{"inputs":[{\#(input),"data":[1,2,3,4,5,6,7,8]}]}"#)
        let text = try api.answer("GET", "/v2/models/digits/stats").text
        #expect(text.contains(#""inference_count":2,"execution_count":1"#))
        #expect(try api.answer("GET", "/v2/models/stats").text.contains(#""name":"turns""#))
    }

    // MARK: v1

    @Test(arguments: [
        (#"{"instances":[[1,2,3,4],[5,6,7,8]]}"#, #"{"predictions":[[10.0,-10.0,\#(zeros)],[26.0,-26.0,\#(zeros)]]}"#),
        (
            #"{"instances":[[[[1,2],[3,4]]]],"signature_name":"serving_default"}"#,
            #"{"predictions":[[10.0,-10.0,\#(zeros)]]}"#
        ),
        (
            #"{"instances":[{"input":[1,2,3,4]},{"input":[[[5,6],[7,8]]]}]}"#,
            #"{"predictions":[[10.0,-10.0,\#(zeros)],[26.0,-26.0,\#(zeros)]]}"#
        ),
        (#"{"inputs":[[1,2,3,4]]}"#, #"{"outputs":[[10.0,-10.0,\#(zeros)]]}"#),
        (#"{"inputs":{"input":[[1,2,3,4]]}}"#, #"{"outputs":[[10.0,-10.0,\#(zeros)]]}"#),
        (#"{"instances":[[NaN,2,3,4]]}"#, #"{"predictions":[[NaN,NaN,\#(zeros)]]}"#),
    ])
    func predictsAsTensorFlowServingDoes(request: String, expected: String) throws {
        for path in ["/v1/models/digits:predict", "/v1/models/digits/versions/2:predict"] {
            let response = try api.answer("POST", path, text: request)
            #expect(response.text == expected)
            #expect(response.header("Content-Type") == "application/json")
        }
    }

    @Test func predictsEncodedImages() throws {
        let response = try api.answer(
            "POST", "/v1/models/turns:predict", text: #"{"instances":[{"b64":"AQ=="},{"image":{"b64":"Ag=="}}]}"#)
        #expect(response.text.hasPrefix(#"{"predictions":[[0.08"#))
        #expect(response.text.contains(",0.75,"))
    }

    @Test(arguments: [
        "{}", "", #"{"instances":[]}"#, #"{"instances":[[1,2,3]]}"#, #"{"instances":[1,2,3,4]}"#,
        #"{"instances":[{}]}"#,
        #"{"instances":[[1,2,3,4]],"inputs":[[1,2,3,4]]}"#, #"{"instances":[[1,2,3,4]],"x":1}"#,
        #"{"instances":[{"x":[1,2,3,4]}]}"#,
        #"{"instances":[{"b64":"AQ=="},{"input":[1,2,3,4]}]}"#, #"{"instances":[{"b64":"!"}]}"#,
        #"{"signature_name":"x","instances":[[1,2,3,4]]}"#,
        #"{"inputs":{"x":[[1,2,3,4]]}}"#, #"{"inputs":{}}"#,
    ])
    func refusesOtherPredictRequests(request: String) throws {
        #expect(try api.answer("POST", "/v1/models/digits:predict", text: request).status == .badRequest)
    }

    @Test func tellsStatusAndMetadata() throws {
        #expect(
            try api.answer("GET", "/v1/models/digits").text
                == #"{"model_version_status":[{"version":"2","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}],"name":"digits","ready":true}"#
        )
        #expect(try api.answer("GET", "/v1/models/none").status == .notFound)
        let metadata = try api.answer("GET", "/v1/models/digits/metadata").text
        #expect(
            metadata.contains(
                #""inputs":{"input":{"dtype":"DT_FLOAT","tensor_shape":{"dim":[{"size":"-1","name":""},{"size":"2","name":""},{"size":"2","name":""},{"size":"1","name":""}]"#
            ))
    }
}
