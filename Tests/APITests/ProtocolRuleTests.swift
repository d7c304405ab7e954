// SPDX-License-Identifier: MIT

import API
import HTTP
import JSON
import Protocols
import Testing

/// The tables of statuses of the Open Inference Protocol and of TensorFlow Serving, a row a case.
@Suite struct ProtocolRuleTests {
    private let api: API

    init() throws {
        api = try API.stub()
    }

    struct Rule: Sendable, CustomTestStringConvertible {
        let method: String
        let path: String
        var headers: [String] = []
        var body = ""
        let status: Int
        /// A piece of the answer.
        var text = ""

        var testDescription: String { "\(method) \(path) \(headers) \(body.prefix(80)) -> \(status)" }
    }

    private static let row = #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#
    private static let infer = "/v2/models/digits/infer"

    private static let openInference: [Rule] = [
        Rule(method: "GET", path: "/v2/health/live", status: 200, text: #""live":true"#),
        Rule(method: "GET", path: "/v2/health/ready", status: 200, text: #""ready":true"#),
        Rule(method: "GET", path: "/v2/health/none", status: 404),
        Rule(method: "GET", path: "/v2", status: 200, text: #""extensions":["binary_tensor_data""#),
        Rule(method: "GET", path: "/v2/", status: 200, text: #""name":"swiftnet""#),
        Rule(method: "GET", path: "/v2/models", status: 200, text: #""models":["#),
        Rule(method: "GET", path: "/v2/models/digits", status: 200, text: #""versions":["2"]"#),
        Rule(method: "GET", path: "/v2/models/d%69gits/versions/2", status: 200, text: #""name":"digits""#),
        Rule(method: "GET", path: "/v2/models/digits/versions/9", status: 404, text: "no model 'digits' version 9"),
        Rule(method: "GET", path: "/v2/models/digits/versions/x", status: 404),
        Rule(method: "GET", path: "/v2/models/none", status: 404, text: "no model 'none'"),
        Rule(method: "GET", path: "/v2/models/digits/ready", status: 200, text: #"{"name":"digits","ready":true}"#),
        Rule(method: "GET", path: "/v2/models/digits/versions/2/ready", status: 200, text: #""ready":true"#),
        Rule(method: "GET", path: "/v2/models/none/ready", status: 404),
        Rule(method: "GET", path: "/v2/models/digits/config", status: 200, text: #""data_type":"TYPE_STRING""#),
        Rule(method: "GET", path: "/v2/models/digits/stats", status: 200, text: #""model_stats":[{"name":"digits""#),
        Rule(method: "GET", path: "/v2/models/digits/versions/2/stats", status: 200, text: #""inference_count":0"#),
        Rule(method: "GET", path: "/v2/models/none/stats", status: 404),
        Rule(method: "POST", path: "/v2/repository/index", status: 200, text: #""state":"READY""#),
        Rule(method: "POST", path: "/v2/repository/models/digits/load", body: "{}", status: 403, text: "--admin"),
        Rule(method: "POST", path: "/v2/repository/models/digits/unload", body: "{}", status: 403),
        Rule(method: "POST", path: infer, body: row, status: 200, text: #""model_version":"2""#),
        Rule(method: "POST", path: "/v2/models/digits/versions/2/infer", body: row, status: 200),
        Rule(method: "POST", path: "/v2/models/digits/versions/3/infer", body: row, status: 404),
        Rule(method: "POST", path: "/v2/models/none/infer", body: row, status: 404, text: #"{"error":"there is no"#),
        Rule(method: "GET", path: infer, status: 405, text: "takes POST"),
        Rule(method: "DELETE", path: "/v2/models/digits", status: 405),
        Rule(method: "POST", path: "/v2/health/live", status: 405),
        Rule(method: "POST", path: infer, headers: ["Content-Encoding: br"], body: row, status: 415),
        Rule(method: "POST", path: infer, headers: ["Content-Encoding: gzip"], body: row, status: 400),
        Rule(method: "POST", path: infer, headers: ["Content-Encoding: identity"], body: row, status: 200),
        Rule(method: "POST", path: infer, headers: ["INFERENCE-HEADER-CONTENT-LENGTH: 78"], body: row, status: 200),
        Rule(method: "POST", path: infer, headers: ["Inference-Header-Content-Length: 77"], body: row, status: 400),
        Rule(method: "POST", path: infer, headers: ["Inference-Header-Content-Length: -1"], body: row, status: 400),
        Rule(method: "POST", path: infer, headers: ["Content-Type: text/x"], body: row, status: 200),
        Rule(method: "POST", path: infer, body: "", status: 400, text: "JSON at byte 0"),
        Rule(
            method: "POST", path: infer, body: String(repeating: #"{"a":"#, count: 100_000), status: 400,
            text: "nested deeper"),
        Rule(
            method: "POST", path: infer, body: row.dropLast() + #","parameters":{"timeout":5000000}}"#, status: 200),
        Rule(
            method: "POST", path: infer,
            body: row.dropLast() + #","outputs":["#
                + Array(repeating: #"{"name":"logits"}"#, count: 10_000).joined(separator: ",") + "]}",
            status: 400, text: "asks for more"),
        Rule(
            method: "POST", path: infer,
            body: #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1099511627776,4],"data":[]}]}"#, status: 413),
        Rule(
            method: "POST", path: infer,
            body: #"{"inputs":[{"name":"input","datatype":"FP32","shape":[1,9223372036854775807],"data":[]}]}"#,
            status: 400),
        Rule(
            method: "POST", path: infer,
            body: #"{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["dGV4dA=="]}]}"#, status: 415),
        Rule(
            method: "POST", path: infer,
            body: #"{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["YnJva2Vu"]}]}"#, status: 422),
        Rule(
            method: "POST", path: infer,
            body: #"{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"data":["BQ=="]}]}"#, status: 200,
            text: #""name":"probabilities","datatype":"FP32","shape":[1,10]"#),
        Rule(
            method: "POST", path: infer,
            body: #"{"inputs":[{"name":"pixels","datatype":"UINT8","shape":[2,2,2,1],"data":[1,2,3,4,5,6,7,8]}]}"#,
            status: 200, text: #""shape":[2,10]"#),
    ]

    private static let v1 = "/v1/models/digits:predict"
    private static let instances = #"{"instances":[[1,2,3,4]]}"#

    private static let tensorFlow: [Rule] = [
        Rule(method: "POST", path: v1, body: instances, status: 200, text: #"{"predictions":[["#),
        Rule(method: "POST", path: "/v1/models/digits/versions/2:predict", body: instances, status: 200),
        Rule(method: "POST", path: "/v1/models/digits:PREDICT", body: instances, status: 200),
        Rule(method: "POST", path: "/v1/models/d%69gits:predict", body: instances, status: 200),
        Rule(method: "POST", path: "/v1/models/digits/versions/1:predict", body: instances, status: 404),
        Rule(method: "POST", path: "/v1/models/none:predict", body: instances, status: 404, text: #"{"error":""#),
        Rule(method: "POST", path: "/v1/models/digits:classify", body: instances, status: 501),
        Rule(method: "POST", path: "/v1/models/digits:regress", body: instances, status: 501),
        Rule(
            method: "POST", path: "/v1/models/digits:explain", body: instances, status: 400,
            text: "Malformed request: POST /v1/models/digits:explain"),
        Rule(
            method: "POST", path: "/v1/models/digits/labels/stable:predict", body: instances, status: 400,
            text: "Malformed request"),
        Rule(method: "GET", path: "/v1/models", status: 400, text: "Malformed request: GET /v1/models"),
        Rule(method: "GET", path: "/v1", status: 400),
        Rule(method: "GET", path: v1, status: 405),
        Rule(method: "GET", path: "/v1/models/digits", status: 200, text: #""state":"AVAILABLE""#),
        Rule(method: "GET", path: "/v1/models/digits/versions/2", status: 200, text: #""version":"2""#),
        Rule(method: "GET", path: "/v1/models/digits/versions/1", status: 404),
        Rule(method: "GET", path: "/v1/models/none", status: 404),
        Rule(method: "GET", path: "/v1/models/digits/metadata", status: 200, text: "tensorflow/serving/predict"),
        Rule(method: "GET", path: "/v1/models/digits/versions/2/metadata", status: 200, text: #""version":"2""#),
        Rule(method: "GET", path: "/v1/models/none/metadata", status: 404),
        Rule(method: "POST", path: v1, body: #"{"instances":[[NaN,Infinity,-Infinity,4]]}"#, status: 200, text: "NaN"),
        Rule(method: "POST", path: v1, body: #"{"instances":[[1,2,3]]}"#, status: 400, text: "expected the shape"),
        Rule(method: "POST", path: v1, body: #"{"instances":[[1,2,3,4]],"inputs":[[1,2,3,4]]}"#, status: 400),
        Rule(method: "POST", path: v1, body: #"{"instances":[{"b64":""}]}"#, status: 400),
        Rule(method: "POST", path: v1, body: #"{"instances":[{"b64":"dGV4dA=="}]}"#, status: 415),
    ]

    @Test(arguments: openInference + tensorFlow)
    func answers(rule: Rule) throws {
        let response = try api.answer(rule.method, rule.path, headers: rule.headers, text: rule.body)
        #expect(response.status.code == rule.status, "\(response.text.prefix(300))")
        if !rule.text.isEmpty { #expect(response.text.contains(rule.text)) }
        #expect(response.header("Content-Type") == "application/json")
        if rule.status != 200 {
            // Clients look for this key, and take an answer without it for a broken server.
            let error = try JSONValue(parsing: response.body)["error"]?.string
            #expect(error?.isEmpty == false)
        }
    }

    @Test func probesAndKServesRootAreOpen() throws {
        let keys = try APIKeys(Array("0123456789abcdef".utf8))
        let keyed = try API.stub { $0.keys = keys }
        for path in ["/", "/healthz", "/v2/health/live", "/v2/health/ready"] {
            #expect(try keyed.answer("GET", path).status == .ok)
        }
        #expect(try keyed.answer("GET", "/").text == #"{"name":"swiftnet","status":"alive"}"#)
        #expect(try keyed.answer("GET", "/v2").status == .unauthorized)
    }
}
