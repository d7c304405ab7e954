// SPDX-License-Identifier: MIT

/// What can be wrong between a request and its prediction.
public enum InferenceError: Error, Equatable, Sendable, CustomStringConvertible {
    case noRepository(searched: [String])
    case notAFolder(path: String)
    case unknownModel(String, known: [String], repository: String)
    case unknownVersion(model: String, version: Int, known: [Int])
    case noPrecision(Precision, model: String, version: Int)
    case precisionExists(Precision, model: String, version: Int)
    case invalidDescription(path: String, reason: String)
    case wrongArchitecture(path: String, expected: String, actual: String)
    case wrongClassCount(path: String, labels: Int, classes: Int)
    case wrongInputShape(path: String, expected: String, actual: String)
    case notAClassifier(path: String, reason: String)
    case unfitInputs(path: String, reason: String)
    case takesTensors(inputs: String)
    case wrongTensors(reason: String)
    case badModelName(String)
    case modelExists(String, repository: String)
    case noDigit
    case severalDigits
    case otherDescription(model: String, what: String)
    case notFiniteResult
    case noFourViews(model: String)
    case wrongPixelCount(expected: Int, actual: Int)
    case invalidPreparedModels(reason: String)
    case invalidInput(reason: String)
    case wiredByProgram(model: String)

    /// A word for programs where a picture, rather than anything else, is at fault; nil otherwise.
    public var code: String? {
        switch self {
        case .noDigit: "no_digit"
        case .severalDigits: "several_digits"
        default: nil
        }
    }

    /// One line: what, where, what was expected.
    public var description: String {
        switch self {
        case .noRepository(let searched):
            "no model repository was found; looked in \(searched.joined(separator: ", "))"
        case .notAFolder(let path):
            "\(path): a file, where a model repository was expected: a folder of models"
        case .unknownModel(let name, let known, let repository):
            "there is no model '\(name)' in \(repository); it has \(known.isEmpty ? "none" : known.joined(separator: ", "))"
        case .unknownVersion(let model, let version, let known):
            "model '\(model)' has no version \(version); it has \(known.isEmpty ? "none" : known.map(String.init).joined(separator: ", "))"
        case .noPrecision(let precision, let model, let version):
            "version \(version) of model '\(model)' has no file in \(precision.rawValue); 'swiftnet quantize --model \(model) "
                + "--calibration DIR' makes one"
        case .precisionExists(let precision, let model, let version):
            "version \(version) of model '\(model)' has a file in \(precision.rawValue) already; --force replaces it"
        case .invalidDescription(let path, let reason):
            "\(path): \(reason)"
        case .wrongArchitecture(let path, let expected, let actual):
            "\(path): the model is of \(expected), but this file is of \(actual)"
        case .wrongClassCount(let path, let labels, let classes):
            "\(path): the model has \(labels) labels, but its weights answer with \(classes) classes"
        case .wrongInputShape(let path, let expected, let actual):
            "\(path): the model is described for inputs \(actual), but its architecture takes \(expected)"
        case .badModelName(let name):
            "'\(name)' can't be a model's name: expected 1 to 128 letters, digits, '-', '_' and '.', no '.' first"
        case .modelExists(let name, let repository):
            "there is a model '\(name)' in \(repository) already; --new-version adds a version to it"
        case .notAClassifier(let path, let reason):
            "\(path) is no classifier of images: \(reason)"
        case .unfitInputs(let path, let reason):
            "\(path): \(reason)"
        case .takesTensors(let inputs):
            "the model takes no pictures but the tensors \(inputs)"
        case .wrongTensors(let reason):
            reason
        case .noDigit:
            "there is no digit on the picture: expected one that is darker or brighter than its paper"
        case .severalDigits:
            "there are several digits on the picture: expected one; cut them out and ask for each"
        case .otherDescription(let model, let what):
            "a version of '\(model)' is prepared and labelled as the model is, but \(what) says otherwise"
        case .notFiniteResult:
            "the network's answer is not a number; expected finite logits"
        case .noFourViews(let model):
            "model '\(model)' can't look at four views; that takes the labels 0, 90, 180 and 270 and a square input"
        case .wrongPixelCount(let expected, let actual):
            "expected \(expected) pixel values, but there are \(actual)"
        case .invalidPreparedModels(let reason):
            "the block of prepared models can't be used: \(reason)"
        case .invalidInput(let reason):
            "the preparation of images contradicts itself: \(reason)"
        case .wiredByProgram(let model):
            "model '\(model)' is wired by this program: no file says what its network is"
        }
    }
}
