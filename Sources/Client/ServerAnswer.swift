// SPDX-License-Identifier: MIT

import JSON
import Text

/// What a server says of one image.
package struct ServerAnswer: Equatable, Sendable {
    package var model = ""
    package var version = ""
    package var label = ""
    package var classIndex = 0
    package var confidence: Float = 0
    /// The likeliest classes, ten at most, likeliest first.
    package var likeliest: [(label: String, score: Float)] = []
    /// For a rotation model: by how many degrees the photo is turned, how the photo service puts it, and what EXIF had said.
    package var degrees: (turned: Int, model: Int, exif: Int)?

    package static func == (left: ServerAnswer, right: ServerAnswer) -> Bool {
        haveSameBytes(left.label, right.label) && left.confidence == right.confidence
            && left.likeliest.elementsEqual(right.likeliest) {
                haveSameBytes($0.label, $1.label) && $0.score == $1.score
            }
    }

    /// The line that `swiftnet infer --json` prints: the fields of an answer by the program itself, without the scores of the
    /// classes that the server does not name.
    package func json(file: String, top: Int, milliseconds: Double) -> String {
        var fields: [(String, JSONValue)] = [
            ("file", .string(file)), ("model", .string(model)),
            ("version", Int(version).map { .integer($0) } ?? .string(version)), ("label", .string(label)),
            ("class", .integer(classIndex)), ("confidence", .float(confidence)),
        ]
        if let degrees {
            fields += [
                ("now_direction", .integer(degrees.turned)), ("model_degree", .integer(degrees.model)),
                ("exif_degree", .integer(degrees.exif)),
            ]
        }
        if top > 1 {
            let shown = likeliest.prefix(top).map {
                JSONValue.object([("label", .string($0.label)), ("score", .float($0.score))])
            }
            fields.append(("top", .array(shown)))
        }
        fields.append(("milliseconds", .number((milliseconds * 1000).rounded() / 1000)))
        return JSONValue.object(fields).text
    }

    /// Reads the body of an answer of `POST /predict/{model}` to a list of images.
    ///
    /// - Throws: `JSONError`.
    static func list(in body: [UInt8]) throws -> [Result<ServerAnswer, any Error>] {
        var results: [Result<ServerAnswer, any Error>] = []
        var reader = JSONReader(body[...])
        try reader.readObject { reader, name in
            guard name == "predictions" else { return try reader.skipValue() }
            try reader.readArray { results.append(try one(&$0)) }
        }
        try reader.finish()
        return results
    }

    /// The sentence that an answer of an error has; nil if it has none.
    static func problem(in body: [UInt8]) -> String? {
        var text: String?
        var reader = JSONReader(body[...])
        try? reader.readObject { reader, name in
            if name == "error", reader.nextKind() == .string {
                text = try reader.readString().string
            } else {
                try reader.skipValue()
            }
        }
        return text
    }

    private static func one(_ reader: inout JSONReader) throws -> Result<ServerAnswer, any Error> {
        var answer = ServerAnswer()
        var error: String?
        var turned: (Int?, Int?, Int?)
        func number(_ reader: inout JSONReader) throws -> Int? {
            if reader.nextKind() == .number { return try reader.readInt() }
            try reader.skipValue()
            return nil
        }
        try reader.readObject { reader, name in
            switch name {
            case "error": error = try reader.readString().string
            case "model": answer.model = try reader.readString().string
            case "version": answer.version = try reader.readString().string
            case "label": answer.label = try reader.readString().string
            case "class_index": answer.classIndex = try reader.readInt()
            case "confidence": answer.confidence = Float(try reader.readNumber())
            case "turned_degree": turned.0 = try number(&reader)
            case "model_degree": turned.1 = try number(&reader)
            case "exif_degree": turned.2 = try number(&reader)
            case "scores":
                try reader.readObject { reader, label in
                    answer.likeliest.append((label.string, Float(try reader.readNumber())))
                }
            default: try reader.skipValue()
            }
        }
        if let error { return .failure(ClientError.image(error)) }
        if case (let now?, let model?, let exif?) = turned { answer.degrees = (now, model, exif) }
        answer.likeliest.sort { $0.score > $1.score }
        return .success(answer)
    }
}
