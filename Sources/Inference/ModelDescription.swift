// SPDX-License-Identifier: MIT

import JSON
import Tensors

/// What `model.json` says of a model in the repository.
public struct ModelDescription: Sendable, Equatable {
    /// How an image becomes the network's input.
    public struct Input: Sendable, Equatable {
        /// Ways to prepare pixels.
        public enum Preprocessing: String, Sendable, CaseIterable {
            /// A digit, brought into the form that MNIST's have.
            case digit
            /// A photo, resized to the input as `resize` says.
            case photo
            /// None: the network takes no pictures but `tensors`, as they come.
            case tensors
        }

        /// The order of the numbers in the network's input.
        public enum Layout: String, Sendable, CaseIterable {
            /// [C, H, W], as PyTorch has it.
            case nchw
            /// [H, W, C], as TensorFlow has it.
            case nhwc
        }

        /// The order of a pixel's colours in the network's input.
        public enum Color: String, Sendable, CaseIterable {
            case rgb
            case bgr
        }

        /// Width of the network's input in pixels; 0 for tensors whose sizes the network's file says.
        public var width: Int
        /// Height of the network's input in pixels; 0 as the width is.
        public var height: Int
        /// 1 for grey, 3 for red, green, blue; 0 for tensors.
        public var channels: Int
        /// How pixels are prepared.
        public var preprocessing: Preprocessing
        /// The order of the numbers; nchw where it is not said.
        public var layout: Layout?
        /// The order of the colours; rgb where it is not said.
        public var color: Color?
        /// How a photo comes to the input's size; where it is not said, both sides are brought to it, bilinearly.
        public var resize: Resize?
        /// What 8-bit values are multiplied by first; 1 / 255 where it is not said.
        public var scale: Float?
        /// Taken from each channel of the values then: 0 to 1, unless there is a `scale`.
        public var mean: [Float]
        /// What each channel is divided by then.
        public var std: [Float]
        /// What a network takes that takes no pictures, in the order of its file; empty for one that does.
        public var tensors: [Tensor] = []

        /// Describes an input; what is left out holds as it does in `model.json`.
        public init(
            width: Int, height: Int, channels: Int, preprocessing: Preprocessing, layout: Layout? = nil,
            color: Color? = nil, resize: Resize? = nil, scale: Float? = nil, mean: [Float], std: [Float]
        ) {
            self.width = width
            self.height = height
            self.channels = channels
            self.preprocessing = preprocessing
            self.layout = layout
            self.color = color
            self.resize = resize
            self.scale = scale
            self.mean = mean
            self.std = std
        }
    }

    /// What the network's numbers mean.
    public struct Output: Sendable, Equatable {
        /// What makes probabilities of the numbers.
        public enum Activation: String, Sendable, CaseIterable {
            /// They are probabilities, or scores that are shown as they are.
            case none
            /// They are logits of classes of which one holds.
            case softmax
            /// They are logits of classes each of which may hold.
            case sigmoid
        }

        /// What makes probabilities of the numbers.
        public var activation: Activation

        /// Describes an output.
        public init(activation: Activation) { self.activation = activation }
    }

    /// One set of weights.
    public struct Version: Sendable, Equatable {
        /// Name of the weights file in the version's folder.
        public var file: String
        /// Other files of this version, by their precision.
        public var files: [Precision: PrecisionFile] = [:]
        /// SHA-256 of the file, in hexadecimal.
        public var sha256: String?
        /// Size of the file.
        public var bytes: Int?
        /// The script that trained the weights.
        public var trainedBy: String?
        /// The day it did, as year-month-day.
        public var trained: String?
        /// The epoch after which the weights were saved, as their checkpoint counts.
        public var epoch: Int?
        /// Share of right answers on the training data, 0 to 1.
        public var trainAccuracy: Double?
        /// Share of right answers on data held out, 0 to 1.
        public var testAccuracy: Double?
        /// What `testAccuracy` was measured on.
        public var testSet: String?
        /// Anything else worth knowing.
        public var notes: String?
    }

    /// The same version in another precision.
    public struct PrecisionFile: Sendable, Equatable {
        /// Name of the file in the version's folder.
        public var file: String
        /// SHA-256 of the file, in hexadecimal.
        public var sha256: String?
        /// Size of the file.
        public var bytes: Int?
        /// Share of images whose class is the same as in Float32, 0 to 1.
        public var agreement: Double?
        /// Share of right answers on data held out, 0 to 1.
        public var testAccuracy: Double?
        /// What both were measured on.
        public var testSet: String?
        /// Anything else worth knowing.
        public var notes: String?

        /// Describes a file; its size and sum are found when it is added.
        public init(
            file: String, agreement: Double? = nil, testAccuracy: Double? = nil, testSet: String? = nil,
            notes: String? = nil
        ) {
            self.file = file
            self.agreement = agreement
            self.testAccuracy = testAccuracy
            self.testSet = testSet
            self.notes = notes
        }
    }

    /// The version of this form of description: 1, also where it is not said.
    public var schema: Int?
    /// The model's name: that of its folder.
    public var name: String
    /// Name of the network, for example "mnist-cnn"; "onnx" or "torch.export" for a file that has its own.
    public var architecture: String
    /// One sentence for people.
    public var description: String?
    /// How an image becomes the network's input.
    public var input: Input
    /// What the network's numbers mean; logits of classes of which one holds where it is not said.
    public var output: Output?
    /// Names of the classes, in the order of the logits.
    public var labels: [String]
    /// The versions by number.
    public var versions: [String: Version]

    /// The same model for images of another size, or with other names for its classes, as far as either is said.
    func with(_ options: GraphModelOptions) -> ModelDescription {
        var changed = self
        if let labels = options.labels { changed.labels = labels }
        if let size = options.size {
            changed.input.resize = input.resize?.scaled(from: (input.height, input.width), to: size)
            (changed.input.height, changed.input.width) = size
        }
        return changed
    }

    /// The flags of `swiftnet add` whose values are others than this description's.
    func differences(from options: GraphModelOptions) -> [String] {
        var flags: [String] = []
        func compare<Value: Equatable>(_ flag: String, _ value: Value?, _ known: Value?) {
            if let value, value != known { flags.append(flag) }
        }
        if input.preprocessing == .tensors {
            compare("--size", options.size.map { [$0.height, $0.width] }, [input.height, input.width])
            return options.flagsForPictures + flags
        }
        compare("--labels", options.labels, labels)
        compare("--size", options.size.map { [$0.height, $0.width] }, [input.height, input.width])
        compare("--resize", options.resize, input.resize)
        compare("--interpolation", options.interpolation, input.resize?.interpolation ?? .bilinear)
        compare("--mean", options.perChannel(\.mean, input.channels), input.mean)
        compare("--std", options.perChannel(\.std, input.channels), input.std)
        compare("--scale", options.scale, input.scale)
        compare("--bgr", options.color, input.color)
        return flags
    }

    /// The numbers of the versions, oldest first.
    public var versionNumbers: [Int] { versions.keys.compactMap(Int.init).sorted() }

    /// Shape of a picture as the network takes it, without the batch: [C, H, W], or [H, W, C] where its layout is nhwc.
    public var inputShape: Shape {
        input.layout == .nhwc
            ? [input.height, input.width, input.channels] : [input.channels, input.height, input.width]
    }

    /// Reads and checks a description.
    ///
    /// - Parameters:
    ///   - path: Where it stands, for messages.
    /// - Throws: `InferenceError.invalidDescription`.
    public static func decode(_ bytes: [UInt8], path: String) throws -> ModelDescription {
        let description: ModelDescription
        do {
            description = try ModelDescription(JSONValue(parsing: bytes))
        } catch let fault as DescriptionReader.Fault {
            throw InferenceError.invalidDescription(path: path, reason: fault.reason)
        } catch {
            throw InferenceError.invalidDescription(path: path, reason: "not valid JSON: \(error)")
        }
        if let fault = description.fault { throw InferenceError.invalidDescription(path: path, reason: fault) }
        return description
    }

    /// What contradicts itself, if anything does.
    private var fault: String? {
        if let fault = input.fault { return fault }
        if input.preprocessing == .tensors {
            if GraphFile.Format(rawValue: architecture) == nil {
                return "input.preprocessing 'tensors' is for onnx and torch.export, not for \(architecture)"
            }
            if !labels.isEmpty { return "a model of tensors has no classes; expected \"labels\": []" }
        }
        if let schema, schema != 1 { return "schema \(schema) is of a newer SwiftNet; this one reads schema 1" }
        if let bad = versions.keys.first(where: { Int($0).map { $0 < 1 } ?? true }) {
            return "versions are numbered from 1; '\(bad)' is no such number"
        }
        let files = versions.values.flatMap { [$0.file] + $0.files.values.map(\.file) }
        if files.contains(where: { $0.isEmpty || $0.contains("/") || $0 == ".." }) {
            return "a version's file must be a plain file name"
        }
        return nil
    }
}

extension ModelDescription.Version {
    /// Weights of which only the file's name is known.
    public init(file: String) {
        self.init(
            file: file, sha256: nil, bytes: nil, trainedBy: nil, trained: nil, epoch: nil, trainAccuracy: nil,
            testAccuracy: nil, testSet: nil, notes: nil)
    }
}

extension ModelDescription.Input {
    /// What contradicts itself, if anything does.
    var fault: String? {
        if preprocessing == .tensors { return faultOfTensors }
        if !tensors.isEmpty { return "input.tensors goes with the preprocessing 'tensors' only" }
        let sizes = 1...8192
        if !sizes.contains(width) || !sizes.contains(height) {
            return "input.width and input.height must be 1 to 8192"
        }
        if channels != 1 && channels != 3 { return "input.channels must be 1 or 3, not \(channels)" }
        if mean.count != channels || std.count != channels {
            return "input.mean and input.std need \(channels) numbers each"
        }
        if std.contains(where: { !($0 > 0) }) { return "input.std must be above 0" }
        if let scale, !(scale > 0 && scale.isFinite) { return "input.scale must be above 0" }
        return resize?.fault(for: self)
    }
}
