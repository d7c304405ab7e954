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
        "components": [
            "securitySchemes": [
                "bearer": ["type": "http", "scheme": "bearer"],
                "accessToken": ["type": "apiKey", "in": "header", "name": "access_token"],
            ]
        ],
    ]

    /// One method of one path.
    private struct Operation {
        let path: String
        let method: String
        let summary: String
        var request: [String] = []
        var response = "application/json"
        var isOpen = false

        var value: JSONValue {
            var members: [(String, JSONValue)] = [("summary", .string(summary))]
            let names = path.split(separator: "{").dropFirst().compactMap { $0.split(separator: "}").first }
            if !names.isEmpty {
                let parameters = names.map { name -> JSONValue in
                    ["name": .string(String(name)), "in": "path", "required": true, "schema": ["type": "string"]]
                }
                members.append(("parameters", .array(parameters)))
            }
            if !request.isEmpty {
                let content = request.map { type -> (String, JSONValue) in
                    let object: JSONValue = ["type": "object"]
                    let binary: JSONValue = ["type": "string", "format": "binary"]
                    return (type, ["schema": type == "application/json" ? object : binary])
                }
                members.append(("requestBody", ["required": true, "content": .object(content)]))
            }
            if !isOpen { members.append(("security", OpenAPI.security)) }
            let anything = JSONValue.object([])
            let responses: JSONValue = [
                "200": ["description": "The answer.", "content": .object([(response, anything)])],
                "default": ["description": "An error.", "content": ["application/json": anything]],
            ]
            members.append(("responses", responses))
            return .object([(method, .object(members))])
        }
    }

    /// Either key, or none where the server wants none.
    fileprivate static let security: JSONValue = [["bearer": []], ["accessToken": []], .object([])]
    private static let images = ["image/png", "image/jpeg", "multipart/form-data", "application/json"]

    private static let operations: [Operation] = [
        Operation(
            path: "/inference", method: "post", summary: "Which digit an image, or 28 x 28 numbers of 0 to 255, shows.",
            request: images, response: "text/plain"),
        Operation(path: "/predict/{model}", method: "post", summary: "What a model says of images.", request: images),
        Operation(
            path: "/rotate", method: "post", summary: "The photo, upright.", request: images, response: "image/*"),
        Operation(
            path: "/v1/models/{model}:predict", method: "post", summary: "TensorFlow Serving's predict.",
            request: ["application/json"]),
        Operation(
            path: "/v1/models/{model}/versions/{version}:predict", method: "post",
            summary: "TensorFlow Serving's predict, by version.", request: ["application/json"]),
        Operation(path: "/v1/models/{model}", method: "get", summary: "The state of a model's versions."),
        Operation(path: "/v1/models/{model}/metadata", method: "get", summary: "What a model takes and gives."),
        Operation(path: "/v2", method: "get", summary: "The server's name, version and extensions."),
        Operation(path: "/v2/health/live", method: "get", summary: "Whether the server runs.", isOpen: true),
        Operation(path: "/v2/health/ready", method: "get", summary: "Whether requests are welcome.", isOpen: true),
        Operation(path: "/v2/models", method: "get", summary: "The models' names."),
        Operation(path: "/v2/models/{model}", method: "get", summary: "What a model takes and gives."),
        Operation(path: "/v2/models/{model}/ready", method: "get", summary: "Whether a model is ready."),
        Operation(path: "/v2/models/{model}/config", method: "get", summary: "A model's configuration."),
        Operation(path: "/v2/models/{model}/stats", method: "get", summary: "What a model has answered."),
        Operation(path: "/v2/models/stats", method: "get", summary: "What all models have answered."),
        Operation(
            path: "/v2/models/{model}/infer", method: "post", summary: "Runs a model on a tensor.",
            request: ["application/json", "application/octet-stream"]),
        Operation(
            path: "/v2/models/{model}/versions/{version}/infer", method: "post",
            summary: "Runs a model's version on a tensor.", request: ["application/json", "application/octet-stream"]),
        Operation(path: "/v2/repository/index", method: "post", summary: "The models and their states."),
        Operation(
            path: "/v2/repository/models/{model}/load", method: "post", summary: "Loads a model; needs --admin."),
        Operation(
            path: "/v2/repository/models/{model}/unload", method: "post", summary: "Unloads a model; needs --admin."),
        Operation(path: "/", method: "get", summary: "Whether the server runs, in KServe's words.", isOpen: true),
        Operation(path: "/healthz", method: "get", summary: "Whether the server runs.", isOpen: true),
        Operation(
            path: "/metrics", method: "get", summary: "The fleet's numbers for Prometheus.", response: "text/plain"),
        Operation(path: "/openapi.json", method: "get", summary: "This document."),
    ]
}
