// SPDX-License-Identifier: MIT

import HTTP
import JSON
import Protocols
import Text
import Transport

/// `/inference`, `/predict/{model}` and `/rotate`.
extension API {
    // MARK: /inference

    /// Digits: pixels or images in, digits out, as text or as a JSON list.
    func inference(_ request: Request) throws -> Handling {
        let served = try first(.digits, named: policy.digitModel)
        let wantsJSON = request.head.headers.list("accept").contains { MediaType($0)?.essence == "application/json" }
        return .work { runner in
            let (images, views) = try input(request)
            let input = try images.modelInput(served.model, maxImages: policy.maxBatch)
            return try step(served, input, runner, views: views) { output in
                let labels = output.classifications.map { served.model.labels[$0.classIndex] }
                guard !wantsJSON, !images.isList, labels.count == 1, let label = labels.first else {
                    return signed(json(.array(labels.map(Self.number))), served.model)
                }
                return signed(
                    Response(.ok, contentType: "text/plain; charset=utf-8", body: Array(label.utf8)), served.model)
            }
        }
    }

    /// A label that is a number as a number, any other as text.
    private static func number(_ label: String) -> JSONValue {
        Int(label).map { .integer($0) } ?? .string(label)
    }

    /// The images of a request, and how many views of each it asks for.
    private func input(_ request: Request) throws -> (ImageInput, RequestedViews) {
        var views: RequestedViews?
        let input = try ImageInput(
            body(of: request),
            contentType: request.head.headers["content-type"], maxImages: policy.maxBatch, views: &views)
        return (input, try self.views(request, views))
    }

    // MARK: /predict/{model}

    /// Images in, predictions out.
    func predict(_ request: Request, _ served: Served) -> Handling {
        .alone { runner in
            guard case (.encoded(let images, let isList), let views) = try input(request) else {
                throw RequestRefusal(.badRequest, "expected images as base64")
            }
            try served.model.checkHasClasses()
            try views.check(served.model)
            let results = try counting(served, images: images.count) {
                try runner.classify(model: served.index, images: images, views: views)
            }
            let wantsPrepared = try Self.wantsPrepared(request.head.target.query)
            if !isList, results.count == 1, let result = results.first {
                var members = prediction(try result.get(), served.model)
                if wantsPrepared {
                    let picture = base64Encoded(try runner.prepared(model: served.index, image: images[0]))
                    let url = "data:image/png;base64," + String(decoding: picture, as: UTF8.self)
                    members.append(("prepared", .string(url)))
                }
                return signed(json(.object(members)), served.model)
            }
            if wantsPrepared {
                throw RequestRefusal(.badRequest, "'prepared' shows one image; expected no list and no other image")
            }
            let predictions = results.map { result -> JSONValue in
                switch result {
                case .success(let answer): .object(prediction(answer, served.model))
                case .failure(let error): failure(error)
                }
            }
            return signed(json(["predictions": .array(predictions)]), served.model)
        }
    }

    /// By how many degrees a photo that a rotation model calls turned by `label` must be turned, counter-clockwise, to stand
    /// upright: 360 minus those, on every interface. Nil for a label that is no number.
    static func degreesUpright(_ label: String) -> Int? { Int(label).map { 360 - $0 } }

    private func failure(_ error: any Error) -> JSONValue {
        switch error {
        case InferenceRefusal.notAnImage(let message), InferenceRefusal.unusableImage(let message),
            InferenceRefusal.tooLarge(let message):
            ["success": false, "error": .string(message)]
        default: ["success": false, "error": "the server failed to answer for this image"]
        }
    }

    /// Reads `prepared=true` from a target's query.
    private static func wantsPrepared(_ query: ByteText?) throws -> Bool {
        let fields = query?.split(separator: UInt8(ascii: "&")) ?? []
        guard let field = fields.first(where: { $0.hasPrefix("prepared=") }) else { return false }
        guard field == "prepared=true" || field == "prepared=false" else {
            throw RequestRefusal(.badRequest, "'prepared' must be true or false")
        }
        return field == "prepared=true"
    }

    private func prediction(_ answer: Classification, _ model: ServedModel) -> [(String, JSONValue)] {
        let label = model.labels[answer.classIndex]
        let confidence = JSONValue.float(answer.scores[answer.classIndex])
        let likeliest = answer.scores.indices.sorted { answer.scores[$0] > answer.scores[$1] }.prefix(10)
        var members: [(String, JSONValue)] = [
            ("model", .string(model.name)), ("version", .string(model.version)), ("success", true),
            ("label", .string(label)), ("class_index", .integer(answer.classIndex)), ("confidence", confidence),
            ("scores", .object(likeliest.map { (model.scoreNames[$0], .float(answer.scores[$0])) })),
        ]
        if let precision = model.loweredPrecision { members.append(("precision", .string(precision))) }
        if model.task == .rotation {
            members += [
                ("turned_degree", Self.number(label)),
                ("model_degree", Self.degreesUpright(label).map(JSONValue.integer) ?? .null),
                ("exif_degree", .integer(answer.exifDegrees)),
            ]
        }
        return members
    }

    // MARK: /rotate

    /// A photo in, the upright photo out.
    func rotate(_ request: Request) throws -> Handling {
        let served = try first(.rotation)
        return .alone { runner in
            guard case (.encoded(let images, _), let views) = try input(request), images.count == 1,
                let image = images.first
            else { throw RequestRefusal(.badRequest, "expected one image") }
            try views.check(served.model)
            let (bytes, mediaType, answer) = try counting(served, images: 1) {
                try runner.upright(model: served.index, image: image, views: views)
            }
            var response = Response(.ok, contentType: mediaType, body: bytes)
            let label = served.model.labels[answer.classIndex]
            response.add("Turned-Degree", label)
            response.add("Model-Degree", Self.degreesUpright(label).map(String.init) ?? "null")
            response.add("Exif-Degree", String(answer.exifDegrees))
            response.add("Confidence", String(answer.scores[answer.classIndex]))
            return signed(response, served.model)
        }
    }
}
