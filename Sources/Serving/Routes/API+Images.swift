// SPDX-License-Identifier: MIT

import HTTP

/// `/inference`, `/predict/{model}` and `/rotate`.
extension API {
    // MARK: /inference

    /// Digits: pixels or images in, digits out, as text or as a JSON list.
    func inference(_ request: Request) throws -> Handling {
        let served = try first(.digits, named: policy.digitModel)
        let wantsJSON = request.head.headers.list("accept").contains { MediaType($0)?.essence == "application/json" }
        return .work { runner in
            let answers: [Classification]
            var isList = false
            switch try input(request) {
            case .numbers(let numbers):
                let pixels = try Self.pixels(numbers, of: served.model, maxImages: policy.maxBatch)
                let count = pixels.count / max(served.model.input.rowCount, 1)
                answers = try counting(served, images: count) {
                    try runner.classify(model: served.index, pixels: pixels)
                }
            case .encoded(let images, let wasList):
                isList = wasList
                answers = try counting(served, images: images.count) {
                    try runner.classify(model: served.index, images: images).map { try $0.get() }
                }
            }
            let labels = answers.map { served.model.labels[$0.classIndex] }
            guard !wantsJSON, !isList, labels.count == 1, let label = labels.first else {
                return signed(json(.array(labels.map(Self.number))), served.model)
            }
            return signed(
                Response(.ok, contentType: "text/plain; charset=utf-8", body: Array(label.utf8)), served.model)
        }
    }

    /// A label that is a number as a number, any other as text.
    private static func number(_ label: String) -> JSONValue {
        Int(label).map { .integer($0) } ?? .string(label)
    }

    /// Checks numbers of 28 x 28, 784, n x 28 x 28 or n x 784 (for a model of 28 x 28 pixels), and makes bytes of them;
    /// fractions are rounded.
    private static func pixels(_ numbers: NumberArray, of model: ServedModel, maxImages: Int) throws -> [UInt8] {
        let row = model.input.shape.dropFirst()
        let image = row.first == 1 ? Array(row.dropFirst()) : Array(row)
        let count = model.input.rowCount
        let shape = numbers.shape
        let isOne = shape == image || shape == [count]
        let isBatch = shape.count > 1 && (Array(shape.dropFirst()) == image || Array(shape.dropFirst()) == [count])
        guard isOne || isBatch, numbers.values.count >= count else {
            let size = image.map(String.init).joined(separator: " x ")
            throw RequestRefusal(
                .badRequest,
                "expected 'images' to be \(size) or \(count) numbers, or a list of such; got the shape \(shape)")
        }
        if numbers.values.count / count > maxImages { throw ImageInput.tooMany(maxImages) }
        return try numbers.values.map { value in
            guard value >= 0, value <= 255 else {
                throw RequestRefusal(.badRequest, "a pixel is \(value); expected 0 to 255")
            }
            return UInt8(value.rounded())
        }
    }

    /// The images of a request.
    private func input(_ request: Request) throws -> ImageInput {
        try ImageInput(
            RequestBody.decoded(request, maxBytes: policy.maxBodyBytes),
            contentType: request.head.headers["content-type"], maxImages: policy.maxBatch)
    }

    // MARK: /predict/{model}

    /// Images in, predictions out.
    func predict(_ request: Request, _ served: Served) -> Handling {
        .work { runner in
            guard case .encoded(let images, let isList) = try input(request) else {
                throw RequestRefusal(.badRequest, "expected images as base64")
            }
            let results = try counting(served, images: images.count) {
                try runner.classify(model: served.index, images: images)
            }
            if !isList, results.count == 1, let result = results.first {
                return signed(json(prediction(try result.get(), served.model)), served.model)
            }
            let predictions = results.map { result -> JSONValue in
                switch result {
                case .success(let answer): prediction(answer, served.model)
                case .failure(let error): failure(error)
                }
            }
            return signed(json(["predictions": .array(predictions)]), served.model)
        }
    }

    private func failure(_ error: any Error) -> JSONValue {
        switch error {
        case InferenceRefusal.notAnImage(let message), InferenceRefusal.unusableImage(let message),
            InferenceRefusal.tooLarge(let message):
            ["success": false, "error": .string(message)]
        default: ["success": false, "error": "the server failed to answer for this image"]
        }
    }

    private func prediction(_ answer: Classification, _ model: ServedModel) -> JSONValue {
        let label = model.labels[answer.classIndex]
        let confidence = JSONValue.float(answer.scores[answer.classIndex])
        let likeliest = answer.scores.indices.sorted { answer.scores[$0] > answer.scores[$1] }.prefix(10)
        var members: [(String, JSONValue)] = [
            ("model", .string(model.name)), ("version", .string(model.version)), ("success", true),
            ("label", .string(label)), ("class_index", .integer(answer.classIndex)), ("confidence", confidence),
            ("scores", .object(likeliest.map { (model.labels[$0], .float(answer.scores[$0])) })),
        ]
        if model.task == .rotation {
            members += [
                ("model_degree", Self.number(label)), ("exif_degree", .integer(answer.exifDegrees)),
            ]
        }
        return .object(members)
    }

    // MARK: /rotate

    /// A photo in, the upright photo out.
    func rotate(_ request: Request) throws -> Handling {
        let served = try first(.rotation)
        return .work { runner in
            guard case .encoded(let images, _) = try input(request), images.count == 1, let image = images.first else {
                throw RequestRefusal(.badRequest, "expected one image")
            }
            let (bytes, mediaType, answer) = try counting(served, images: 1) {
                try runner.upright(model: served.index, image: image)
            }
            var response = Response(.ok, contentType: mediaType, body: bytes)
            response.add("Model-Degree", served.model.labels[answer.classIndex])
            response.add("Exif-Degree", String(answer.exifDegrees))
            response.add("Confidence", String(answer.scores[answer.classIndex]))
            return signed(response, served.model)
        }
    }
}
