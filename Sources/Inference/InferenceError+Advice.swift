// SPDX-License-Identifier: MIT

extension InferenceError {
    /// Whether something is not there, rather than wrong.
    package var isAboutMissingInput: Bool {
        switch self {
        case .noRepository, .notAFolder, .unknownModel, .unknownVersion: true
        default: false
        }
    }

    /// What a person may do about it; nil where the description says it.
    package var advice: String? {
        switch self {
        case .noRepository: "name one with --weights DIR or SWIFTNET_WEIGHTS"
        case .unknownModel(_, let known, _):
            known.isEmpty ? "'swiftnet add NAME FILE' adds one" : "'swiftnet models' tells more of them"
        case .unknownVersion: "'swiftnet models' lists models and versions"
        case .invalidDescription: "Documentation/model.schema.json has the form of a model.json"
        case .wrongArchitecture, .otherDescription: "'swiftnet add OTHER-NAME FILE' makes a model of its own of it"
        case .wrongClassCount: "--labels FILE gives a name for each class, a line each"
        case .wrongInputShape: "leave --size out, or let it and input in model.json say what the network takes"
        case .notAClassifier, .unfitInputs: "'swiftnet inspect FILE' shows what goes in and out"
        case .takesTensors: "the server's v2 protocol and the library's Predictor.outputs(of:) take them"
        case .notFiniteResult: "is the model trained, and is the input what it was trained for?"
        case .noFourViews: "ask without --views, or a model for photos' turns"
        case .wrongPixelCount: nil
        case .invalidPreparedModels: "start the server anew: all its processes must be of one program"
        case .notAFolder, .badModelName, .modelExists, .noPrecision, .precisionExists, .noDigit, .severalDigits,
            .wiredByProgram, .invalidInput, .wrongTensors:
            nil
        }
    }
}
