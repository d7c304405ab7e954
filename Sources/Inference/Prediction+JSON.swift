// SPDX-License-Identifier: MIT

import JSON

extension Prediction {
    /// The fields that every JSON form of a prediction has; a rotation model's tell the angles too.
    public var jsonFields: [(String, JSONValue)] {
        let rotationFields = rotation.map { rotation in
            [
                ("now_direction", JSONValue.integer(rotation.nowDirection)),
                ("model_degree", .integer(rotation.modelDegree)),
                ("exif_degree", .integer(rotation.exifDegree)),
            ]
        }
        // What was trained is answered as ever; what was lowered says so.
        let precisionField = precision == .float32 ? [] : [("precision", JSONValue.string(precision.rawValue))]
        return [
            ("model", .string(model)),
            ("version", .integer(version)),
        ] + precisionField + [
            ("label", .string(label)),
            ("class", .integer(classIndex)),
            ("confidence", .float(confidence)),
            ("scores", .array(scores.map { .float($0) })),
        ] + (rotationFields ?? [])
    }

    /// The line that `swiftnet infer --json` prints.
    ///
    /// - Parameters:
    ///   - top: With more than one, a field `top` lists the likeliest classes.
    public func json(file: String, top: Int = 1, milliseconds: Double) -> String {
        var fields = [("file", JSONValue.string(file))] + jsonFields
        if top > 1 {
            let likeliest = self.top(top).map {
                JSONValue.object([("label", .string($0.label)), ("score", .float($0.score))])
            }
            fields.append(("top", .array(likeliest)))
        }
        fields.append(("milliseconds", .number((milliseconds * 1000).rounded() / 1000)))
        return JSONValue.object(fields).text
    }
}

extension InferenceError {
    /// The line that `swiftnet infer --json` prints of a picture that doesn't show one digit; nil for other errors.
    public func json(file: String) -> String? {
        code.map { code in
            JSONValue.object([
                ("file", .string(file)), ("error", .string(code)), ("message", .string(description)),
            ]).text
        }
    }
}
