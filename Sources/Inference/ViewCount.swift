// SPDX-License-Identifier: MIT

/// How many times a rotation model looks at a photo.
public enum ViewCount: Int, Sendable, CaseIterable {
    /// Once, as it is.
    case one = 1
    /// In its four turns: surer, at four times the work of the network.
    case four = 4
}

extension LoadedModel {
    /// Whether the model can look at a photo in its four turns: its labels are 0, 90, 180 and 270, each once, and its input
    /// is square.
    public var takesFourViews: Bool { rotationViews != nil }

    /// How the answers to four views become one; nil for a model that can't take them.
    var rotationViews: RotationViews? {
        description.input.width == description.input.height ? RotationViews(labels: description.labels) : nil
    }

    /// - Throws: `InferenceError.noFourViews` if the model can't take them.
    public func checkFourViews() throws {
        if !takesFourViews { throw InferenceError.noFourViews(model: description.name) }
    }
}
