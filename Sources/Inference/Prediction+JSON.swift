// SPDX-License-Identifier: MIT

extension Prediction {
    /// The fields that every JSON form of a prediction has; a rotation model's tell the angles too.
    public var jsonFields: [(String, JSONText)] {
        let rotationFields = rotation.map { rotation in
            [
                ("now_direction", JSONText.number(rotation.nowDirection)),
                ("model_degree", .number(rotation.modelDegree)),
                ("exif_degree", .number(rotation.exifDegree)),
            ]
        }
        return [
            ("model", .string(model)),
            ("version", .number(version)),
            ("label", .string(label)),
            ("class", .number(classIndex)),
            ("confidence", .number(confidence)),
            ("scores", .array(scores.map { .number($0) })),
        ] + (rotationFields ?? [])
    }

    /// The line that `swiftnet infer --json` prints.
    ///
    /// - Parameters:
    ///   - top: With more than one, a field `top` lists the likeliest classes.
    public func json(file: String, top: Int = 1, milliseconds: Double) -> String {
        var fields = [("file", JSONText.string(file))] + jsonFields
        if top > 1 {
            let likeliest = self.top(top).map {
                JSONText.object([("label", .string($0.label)), ("score", .number($0.score))])
            }
            fields.append(("top", .array(likeliest)))
        }
        fields.append(("milliseconds", .number((milliseconds * 1000).rounded() / 1000)))
        return JSONText.object(fields).description
    }
}
