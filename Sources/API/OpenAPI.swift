// SPDX-License-Identifier: MIT

import JSON

/// The description of all routes, for tools.
///
/// - Source: OpenAPI Specification 3.1.0.
enum OpenAPI {
    /// The document.
    static let document = value.bytes()

    private static let value: JSONValue = [
        "openapi": "3.1.0",
        "info": [
            "title": "swiftnet", "version": .string(API.version),
            "description": "Image classification over HTTP. Errors have the body {\"error\": \"...\"}.",
        ],
        "paths": .object(operations.map { ($0.path, $0.value) }),
        "components": ["schemas": .object(schemas), "securitySchemes": securitySchemes],
    ]

    private static let securitySchemes: JSONValue = [
        "bearer": ["type": "http", "scheme": "bearer"],
        "accessToken": ["type": "apiKey", "in": "header", "name": "access_token"],
    ]

    /// One method of one path.
    private struct Operation {
        let path: String
        let method: String
        let summary: String
        /// What it takes: a media type and, for JSON, the name of a schema.
        var request: [(type: String, schema: String?)] = []
        var isRequestOptional = false
        /// What it gives; empty for an empty body.
        var response: [(type: String, schema: String?)] = [("application/json", nil)]
        var isOpen = false
        var isInfer = false
        var takesViews = false
        var takesPrepared = false

        var value: JSONValue {
            var members: [(String, JSONValue)] = [("summary", .string(summary))]
            if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
            if !request.isEmpty {
                members.append(
                    ("requestBody", ["required": .bool(!isRequestOptional), "content": Self.content(request)]))
            }
            if !isOpen { members.append(("security", OpenAPI.security)) }
            var answer: [(String, JSONValue)] = [("description", "The answer.")]
            if !response.isEmpty { answer.append(("content", Self.content(response))) }
            let error: JSONValue = [
                "description": "An error.", "content": Self.content([("application/json", "Error")]),
            ]
            var responses: [(String, JSONValue)] = [("200", .object(answer)), ("default", error)]
            if path == "/v2/health/ready" {
                responses.insert(("503", ["description": "Not ready.", "content": Self.content(response)]), at: 1)
            }
            members.append(("responses", .object(responses)))
            return .object([(method, .object(members))])
        }

        private var parameters: [JSONValue] {
            let names = path.split(separator: "{").dropFirst().compactMap { $0.split(separator: "}").first }
            var parameters = names.map { name -> JSONValue in
                let schema: JSONValue =
                    name == "version"
                    ? ["type": "string", "pattern": "^[0-9]{1,9}$"] : ["type": "string", "minLength": 1]
                return ["name": .string(String(name)), "in": "path", "required": true, "schema": schema]
            }
            if isInfer {
                parameters.append([
                    "name": "Inference-Header-Content-Length", "in": "header", "required": false,
                    "description": "How many bytes of the body are JSON, where tensors follow in binary.",
                    "schema": ["type": "integer", "minimum": 0],
                ])
            }
            if takesViews {
                parameters.append([
                    "name": "views", "in": "query", "required": false,
                    "description": "How many times a rotation model looks at an image: 4 is surer.",
                    "schema": ["type": "integer", "enum": [1, 4]],
                ])
            }
            if takesPrepared {
                parameters.append([
                    "name": "prepared", "in": "query", "required": false,
                    "description": "Whether to show, as a PNG in a data URL, what the network sees of the one image.",
                    "schema": ["type": "boolean"],
                ])
            }
            return parameters
        }

        private static func content(_ types: [(type: String, schema: String?)]) -> JSONValue {
            .object(
                types.map { type, schema in
                    let binary: JSONValue = ["type": "string", "format": "binary"]
                    let any: JSONValue = type == "application/json" ? .object([]) : binary
                    let named = schema.map { ["$ref": .string("#/components/schemas/\($0)")] as JSONValue }
                    return (type, ["schema": named ?? any])
                })
        }
    }

    /// Either key, or none where the server wants none.
    private static let security: JSONValue = [["bearer": []], ["accessToken": []], .object([])]

    // MARK: Schemas

    private static func object(_ properties: [(String, JSONValue)], required: [String] = []) -> JSONValue {
        [
            "type": "object", "properties": .object(properties),
            "required": .array(required.map { .string($0) }),
        ]
    }

    private static func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }
    private static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }
    private static let text: JSONValue = ["type": "string"]
    private static let integer: JSONValue = ["type": "integer"]
    private static let views: JSONValue = ["type": "integer", "enum": [1, 4]]
    private static let anyObject: JSONValue = ["type": "object"]

    private static let schemas: [(String, JSONValue)] = [
        ("Error", object([("error", text)], required: ["error"])),
        (
            "Images",
            object([
                ("images", ["description": "Numbers of 0 to 255 in arrays, or a list of base64."]),
                ("image", ["description": "Base64, a data URL, or {\"b64\": base64}."]), ("views", views),
            ])
        ),
        (
            "PredictRequest",
            object([
                ("signature_name", ["type": "string", "enum": ["", "serving_default"]]),
                ("instances", list(["description": "A tensor, {\"input\": tensor} or {\"b64\": base64}."])),
                ("inputs", ["description": "A tensor, or {\"input\": tensor}."]), ("views", views),
            ])
        ),
        (
            "RequestTensor",
            object(
                [
                    (
                        "name",
                        [
                            "type": "string",
                            "description": "Of the model's metadata: input, pixels, image; or those of its file.",
                        ]
                    ),
                    ("datatype", text),
                    ("shape", list(integer)), ("data", ["type": "array"]), ("parameters", anyObject),
                ], required: ["name", "datatype", "shape"])
        ),
        (
            "InferRequest",
            object(
                [
                    ("id", text),
                    ("parameters", object([("binary_data_output", ["type": "boolean"]), ("views", views)])),
                    ("inputs", ["type": "array", "items": reference("RequestTensor"), "minItems": 1]),
                    ("outputs", ["type": "array", "items": anyObject]),
                ], required: ["inputs"])
        ),
        (
            "ResponseTensor",
            object(
                [
                    ("name", text), ("datatype", text), ("shape", list(integer)), ("data", ["type": "array"]),
                    ("parameters", anyObject),
                ], required: ["name", "datatype", "shape"])
        ),
        (
            "InferResponse",
            object(
                [
                    ("model_name", text), ("model_version", text), ("id", text),
                    ("outputs", list(reference("ResponseTensor"))),
                ], required: ["model_name", "model_version", "outputs"])
        ),
        (
            "IndexEntry",
            object(
                [("name", text), ("version", text), ("state", text), ("reason", text)],
                required: ["name", "version", "state", "reason"])
        ),
        ("Index", list(reference("IndexEntry"))),
        ("IndexRequest", object([("ready", ["type": "boolean"])])),
        ("LoadRequest", object([("parameters", ["type": "object", "maxProperties": 0])])),
        ("UnloadRequest", object([("parameters", anyObject)])),
    ]

    // MARK: Operations

    private static let json = "application/json"
    private static let images: [(type: String, schema: String?)] = [
        ("image/png", nil), ("image/jpeg", nil), ("multipart/form-data", nil), (json, "Images"),
    ]

    private static func get(
        _ path: String, _ summary: String, isOpen: Bool = false,
        response: [(type: String, schema: String?)] = [("application/json", nil)]
    ) -> Operation {
        Operation(path: path, method: "get", summary: summary, response: response, isOpen: isOpen)
    }

    private static func infer(_ path: String) -> Operation {
        Operation(
            path: path, method: "post", summary: "Runs a model on a tensor.",
            request: [(json, "InferRequest"), ("application/octet-stream", nil)],
            response: [(json, "InferResponse"), ("application/octet-stream", nil)], isInfer: true, takesViews: true)
    }

    private static func predict(_ path: String) -> Operation {
        Operation(
            path: path, method: "post", summary: "TensorFlow Serving's predict.", request: [(json, "PredictRequest")],
            takesViews: true)
    }

    private static let operations: [Operation] =
        imageOperations + tensorFlowOperations + openInferenceOperations + others

    private static let imageOperations: [Operation] = [
        Operation(
            path: "/inference", method: "post",
            summary: "Which digit an image, or 28 x 28 numbers of 0 to 255, shows; a list of digits for several.",
            request: images, response: [("text/plain", nil), (json, nil)]),
        Operation(
            path: "/predict/{model}", method: "post", summary: "What a model says of images.", request: images,
            takesViews: true, takesPrepared: true),
        Operation(
            path: "/rotate", method: "post", summary: "The photo, upright.", request: images,
            response: [("image/png", nil), ("image/jpeg", nil)], takesViews: true),
    ]

    private static let tensorFlowOperations: [Operation] = [
        predict("/v1/models/{model}:predict"),
        predict("/v1/models/{model}/versions/{version}:predict"),
        get("/v1/models/{model}", "The state of a model's versions."),
        get("/v1/models/{model}/versions/{version}", "The state of a model's version."),
        get("/v1/models/{model}/metadata", "What a model takes and gives."),
        get("/v1/models/{model}/versions/{version}/metadata", "What a model's version takes and gives."),
    ]

    private static let openInferenceOperations: [Operation] =
        [
            get("/v2", "The server's name, version and extensions."),
            get("/v2/health/live", "Whether the server runs.", isOpen: true),
            get("/v2/health/ready", "Whether requests are welcome.", isOpen: true),
            get("/v2/models", "The models' names."),
            get("/v2/models/stats", "What all models have answered."),
        ]
        + ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap { path in
            [
                get(path, "What a model takes and gives."), get(path + "/ready", "Whether a model is ready."),
                get(path + "/config", "A model's configuration."), get(path + "/stats", "What a model has answered."),
                infer(path + "/infer"),
            ]
        } + [
            Operation(
                path: "/v2/repository/index", method: "post", summary: "The models and their states.",
                request: [(json, "IndexRequest")], isRequestOptional: true, response: [(json, "Index")]),
            Operation(
                path: "/v2/repository/models/{model}/load", method: "post", summary: "Loads a model; needs --admin.",
                request: [(json, "LoadRequest")], isRequestOptional: true, response: []),
            Operation(
                path: "/v2/repository/models/{model}/unload", method: "post",
                summary: "Unloads a model; needs --admin.",
                request: [(json, "UnloadRequest")], isRequestOptional: true, response: []),
        ]

    private static let others: [Operation] = [
        get("/", "Whether the server runs, in KServe's words; for browsers the page for people.", isOpen: true),
        get("/healthz", "Whether the server runs.", isOpen: true),
        get("/metrics", "The fleet's numbers for Prometheus.", response: [("text/plain", nil)]),
        get("/openapi.json", "This document."),
    ]
}
