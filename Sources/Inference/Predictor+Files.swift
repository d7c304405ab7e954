// SPDX-License-Identifier: MIT

import SystemCalls

extension Predictor {
    /// Answers the image in a file.
    ///
    /// - Throws: `ImageError`, `InferenceError`, or an error of the system.
    public func predict(contentsOf path: String) throws -> Prediction {
        let file = try FileDescriptor.open(path, FileDescriptor.readOnly)
        return try predict(file.readAll(limit: min(limits.maxBytes, .max - 1)))
    }
}
