// SPDX-License-Identifier: MIT

import Images

/// What a model says of one image.
public struct Prediction: Sendable, Equatable {
    /// The model's name.
    public let model: String
    /// The model's version; 0 is a weights file that stands in no repository.
    public let version: Int
    /// What the model's numbers are.
    public let precision: Precision
    /// The labels of all classes, in the order of the scores.
    public let labels: [String]
    /// The probability of each class, 0 to 1.
    public let scores: [Float]
    /// The orientation that the file's EXIF data had asked for, which was applied.
    public let orientation: EXIFOrientation

    /// The class of the highest score; the first of equals.
    public let classIndex: Int

    /// Interprets a network's answer.
    ///
    /// - Throws: `InferenceError.notFiniteResult` if it holds a NaN or an infinity.
    init(model: LoadedModel, logits: [Float], orientation: EXIFOrientation) throws {
        guard logits.allSatisfy(\.isFinite) else { throw InferenceError.notFiniteResult }
        self.model = model.description.name
        version = model.version
        precision = model.precision
        labels = model.description.labels
        scores =
            switch model.description.output?.activation ?? .softmax {
            case .softmax: model.plan.probabilities(ofLogits: logits)
            case .sigmoid: model.plan.sigmoids(ofLogits: logits)
            case .none: logits
            }
        self.orientation = orientation
        classIndex = logits.indices.max { logits[$0] < logits[$1] || (logits[$0] == logits[$1] && $0 > $1) } ?? 0
    }

    /// The label of the class.
    public var label: String { labels[classIndex] }

    /// The probability of the class, 0 to 1.
    public var confidence: Float { scores[classIndex] }

    /// The `count` likeliest classes, likeliest first.
    public func top(_ count: Int) -> [(label: String, score: Float)] {
        scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(count).map { (labels[$0], scores[$0]) }
    }
}
