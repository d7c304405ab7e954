// SPDX-License-Identifier: MIT

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
    package let task: Task
    /// Numbers as the network takes them. Shape: [-1, C, H, W].
    package let input: TensorDescription
    /// What the network makes of them. Shape: [-1, classes], or what a network without classes gives.
    package let output: TensorDescription
    package let labels: [String]

    /// - Parameters:
    ///   - inputShape: C, H and W.
    ///   - output: Name and shape of what a network without classes gives.
    package init(
        name: String, version: String, architecture: String, task: Task, inputShape: [Int], labels: [String],
        output: (name: String, shape: [Int])? = nil
    ) {
        self.name = name
        self.version = version
        self.architecture = architecture
        self.task = task
        self.labels = labels
        input = TensorDescription(name: "input", datatype: .fp32, shape: [-1] + inputShape)
        self.output = TensorDescription(
            name: output?.name ?? "logits", datatype: .fp32, shape: [-1] + (output?.shape ?? [labels.count]))
    }

    /// Pixels in the model's own size, which the server prepares. Shape: [-1, H, W, C].
    package var pixels: TensorDescription {
        TensorDescription(
            name: "pixels", datatype: .uint8, shape: [-1] + input.shape.dropFirst(2) + input.shape.dropFirst().prefix(1)
        )
    }

    /// Encoded images of any size. Shape: [-1].
    package var image: TensorDescription { TensorDescription(name: "image", datatype: .bytes, shape: [-1]) }

    /// What pixels and images are answered with. Shape: [-1, classes].
    package var probabilities: TensorDescription {
        task == .tensors ? output : TensorDescription(name: "probabilities", datatype: .fp32, shape: output.shape)
    }

    /// The inputs, of which a request brings one.
    package var inputs: [TensorDescription] { task == .tensors ? [input, image] : [input, pixels, image] }

    /// - Throws: ``RequestRefusal`` if it has no classes.
    package func checkHasClasses() throws {
        guard task == .tensors else { return }
        throw RequestRefusal(
            .badRequest, "'\(name)' has no classes: it answers with '\(output.name)' by POST /v2/models/\(name)/infer")
    }
}
