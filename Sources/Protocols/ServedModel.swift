// SPDX-License-Identifier: MIT

import Text

/// A tensor that a model takes or gives.
package struct TensorDescription: Equatable, Sendable {
    /// Its name in protocols that name tensors.
    package let name: String
    /// The type of its elements.
    package let datatype: TensorDatatype
    /// Its shape; -1 stands for the batch.
    package let shape: [Int]

    package init(name: String, datatype: TensorDatatype, shape: [Int]) {
        self.name = name
        self.datatype = datatype
        self.shape = shape
    }

    /// How many numbers one row of the batch has.
    package var rowCount: Int { shape.dropFirst().reduce(1, *) }
}

/// What the server tells of a model.
package struct ServedModel: Equatable, Sendable {
    /// What its answers mean.
    package enum Task: Equatable, Sendable {
        /// Handwritten digits of 28 x 28 grey pixels.
        case digits
        /// How far a photo must be turned; the labels are degrees.
        case rotation
        /// Classes of anything else.
        case classification
        /// Numbers that are no classes: maps, boxes.
        case tensors
    }

    package let name: String
    package let version: String
    /// The name of the network.
    package let architecture: String
    /// What its numbers are where they are not those that it was trained in: "int8".
    package let loweredPrecision: String?
    package let task: Task
    /// Numbers as the network takes them, in the order of its inputs; at least one. Where it takes pictures, that is one of the shape
    /// [-1, C, H, W], or [-1, H, W, C] where the channels are last.
    package let networkInputs: [TensorDescription]
    /// Whether it takes pictures; else it takes all of ``networkInputs``, and nothing else.
    package let takesPictures: Bool
    /// In which order the network takes an image's numbers.
    package let inputOrder: AxisOrder
    /// All that the network makes of them, at least one. Shape: [-1, classes], or what a network without classes gives.
    package let outputs: [TensorDescription]
    package let labels: [String]
    /// The labels, each once: one that several classes have is told apart by the classes' numbers.
    package let scoreNames: [String]

    /// - Parameters:
    ///   - loweredPrecision: What its numbers are, if they are not Float32.
    ///   - inputName: The network's own name for its input.
    ///   - inputShape: C, H and W, or H, W and C.
    ///   - inputOrder: Which of them.
    ///   - outputs: Names and shapes of what the network gives; by default `logits`, one for each label.
    package init(
        name: String, version: String, architecture: String, task: Task, inputName: String = "input",
        inputShape: [Int], inputOrder: AxisOrder = .channelsFirst, labels: [String],
        outputs: [(name: String, shape: [Int])] = [], loweredPrecision: String? = nil
    ) {
        self.loweredPrecision = loweredPrecision
        self.name = name
        self.version = version
        self.architecture = architecture
        self.task = task
        self.labels = labels
        scoreNames = Self.uniqueNames(labels)
        self.inputOrder = inputOrder
        // The names of what the server prepares itself are its own.
        let isTaken = ["pixels", "image"].contains { haveSameBytes($0, inputName) }
        networkInputs = [
            TensorDescription(name: isTaken ? "input" : inputName, datatype: .fp32, shape: [-1] + inputShape)
        ]
        takesPictures = true
        self.outputs = (outputs.isEmpty ? [("logits", [labels.count])] : outputs).map {
            TensorDescription(name: $0.name, datatype: .fp32, shape: [-1] + $0.shape)
        }
    }

    /// A model that takes tensors and no pictures.
    ///
    /// - Parameters:
    ///   - inputs: Names and shapes of what the network takes, at least one, without the batch.
    ///   - outputs: The same of what it gives.
    package init(
        name: String, version: String, architecture: String, inputs: [(name: String, shape: [Int])],
        outputs: [(name: String, shape: [Int])], loweredPrecision: String? = nil
    ) {
        self.loweredPrecision = loweredPrecision
        self.name = name
        self.version = version
        self.architecture = architecture
        task = .tensors
        labels = []
        scoreNames = []
        inputOrder = .channelsFirst
        takesPictures = false
        let describe = { (tensor: (name: String, shape: [Int])) in
            TensorDescription(name: tensor.name, datatype: .fp32, shape: [-1] + tensor.shape)
        }
        networkInputs = inputs.map(describe)
        self.outputs = outputs.map(describe)
    }

    /// Labels with the classes' numbers behind those that several classes have; twice where a label looks so by itself.
    private static func uniqueNames(_ labels: [String]) -> [String] {
        let counts = Dictionary(labels.map { (ByteText($0), 1) }, uniquingKeysWith: +)
        return labels.enumerated().map { index, label in
            if counts[ByteText(label)] == 1 { return label }
            var name = "\(label) (\(index))"
            while counts[ByteText(name)] != nil { name += " (\(index))" }
            return name
        }
    }

    /// The first of the network's inputs: the only one where it takes pictures.
    package var input: TensorDescription { networkInputs[0] }

    /// The first of the outputs: the only one of a network with classes.
    package var output: TensorDescription { outputs[0] }

    /// How many numbers the outputs have together for one row: they stand one behind the other, row by row.
    package var answerCount: Int { outputs.reduce(0) { $0 + $1.rowCount } }

    /// What pixels and images are answered with: the classes' probabilities, or all numbers of a network without classes.
    package var answerToImages: [TensorDescription] { task == .tensors ? outputs : [probabilities] }

    /// The numbers of one output, row by row.
    ///
    /// - Parameters:
    ///   - all: All outputs, whose numbers stand one behind the other in each row of `numbers`.
    package static func numbers(
        of output: TensorDescription, among all: [TensorDescription], in numbers: [Float]
    ) -> [Float] {
        let rowCount = all.reduce(0) { $0 + $1.rowCount }
        guard all.count > 1, rowCount > 0, let place = all.firstIndex(of: output) else { return numbers }
        let start = all[..<place].reduce(0) { $0 + $1.rowCount }
        return stride(from: start, to: numbers.count, by: rowCount).flatMap { first in
            numbers[first..<min(first + output.rowCount, numbers.count)]
        }
    }

    /// All that requests can ask for.
    package var allOutputs: [TensorDescription] {
        outputs.contains { haveSameBytes($0.name, probabilities.name) } ? outputs : outputs + [probabilities]
    }

    /// Pixels in the model's own size, which the server prepares. Shape: [-1, H, W, C].
    ///
    /// - Precondition: It takes pictures.
    package var pixels: TensorDescription {
        let layout = RowLayout(self)
        return TensorDescription(
            name: "pixels", datatype: .uint8, shape: [-1, layout.height, layout.width, layout.channels])
    }

    /// Encoded images of any size. Shape: [-1].
    package var image: TensorDescription { TensorDescription(name: "image", datatype: .bytes, shape: [-1]) }

    /// What pixels and images are answered with. Shape: [-1, classes].
    package var probabilities: TensorDescription {
        task == .tensors ? output : TensorDescription(name: "probabilities", datatype: .fp32, shape: output.shape)
    }

    /// The inputs: of those of a model that takes pictures a request brings one, of others all.
    package var inputs: [TensorDescription] {
        takesPictures ? task == .tensors ? [input, image] : [input, pixels, image] : networkInputs
    }

    /// The input of a name; `input` is the network's own too, whatever its file calls it, where it takes pictures.
    func input(named name: ByteText?) -> TensorDescription? {
        inputs.first { ByteText($0.name) == name } ?? (name == "input" && takesPictures ? input : nil)
    }

    /// Its inputs for people: "2 inputs, 'left', 'right'".
    var shownInputs: String {
        let names = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
        return names.isEmpty || inputs.count == 1 ? "the input \(names)" : "\(inputs.count) inputs, \(names)"
    }

    /// - Throws: ``RequestRefusal`` if it takes tensors, and no pictures.
    package func checkTakesPictures() throws {
        if takesPictures { return }
        throw RequestRefusal(
            .badRequest, "'\(name)' takes no pictures but \(shownInputs), by POST /v2/models/\(name)/infer")
    }

    /// - Throws: ``RequestRefusal`` if it has no classes.
    package func checkHasClasses() throws {
        try checkTakesPictures()
        guard task == .tensors else { return }
        throw RequestRefusal(
            .badRequest,
            "'\(name)' has no classes: it answers with '\(outputs.map(\.name).joined(separator: "', '"))' by POST /v2/models/\(name)/infer"
        )
    }
}
