// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// What a file leaves open, as the user says it.
public struct GraphModelOptions: Sendable {
    /// Name of the network, for weights that fit several.
    public var architecture: String?
    /// Height and width of input images; where it is not said, the file's, the recognised network's, else 224.
    public var size: (height: Int, width: Int)?
    /// Names of the classes, in the order of the network's numbers.
    public var labels: [String]?
    /// Names that a file keeps: taken where ``labels`` are not said and the network has as many classes.
    public var statedLabels: [String] = []
    /// How a photo comes to the input's size.
    public var resize: ModelDescription.Input.Resize?
    /// How new pixels are made of old ones, where `resize` is not said.
    public var interpolation: ModelDescription.Input.Resize.Interpolation?
    /// Taken from each channel of values 0 to 1.
    public var mean: [Float]?
    /// What each channel is divided by then.
    public var std: [Float]?
    /// What 8-bit values are multiplied by first.
    public var scale: Float?
    /// The order of the colours.
    public var color: ModelDescription.Input.Color?

    /// Nothing is said.
    public init() {}

    /// The names of a network's classes: the user's, those that a file keeps, else numbers.
    func labels(classes: Int) -> [String] {
        labels ?? (statedLabels.count == classes ? statedLabels : (0..<classes).map(String.init))
    }

    /// A number for each channel; one number holds for all of them.
    func perChannel(_ numbers: KeyPath<Self, [Float]?>, _ channels: Int) -> [Float]? {
        self[keyPath: numbers].map { $0.count == 1 ? [Float](repeating: $0[0], count: channels) : $0 }
    }
}

extension ModelDescription {
    /// What holds for a file that has its own network, where it stands in no repository: torchvision's transforms for images of
    /// three channels (the short side to 8/7 of the input, the middle cut out, ImageNet's mean and deviation), MNIST's for
    /// those of one. A network that answers with something else than one number per class has no labels, and gets the whole
    /// photo. One that has several inputs takes tensors.
    ///
    /// - Throws: `InferenceError.notAClassifier` if it takes no image, or if labels are given that it has no classes for;
    ///   `.unfitInputs` if one of several inputs can't be taken.
    init(
        defaultsFor graph: Graph, file: GraphFile, name: String, labels: [String]?, _ options: GraphModelOptions
    ) throws {
        let path = file.path
        if graph.inputs.count > 1, !graph.outputs.isEmpty {
            try self.init(tensorsOf: graph, file: file, name: name, options)
            return
        }
        guard graph.inputs.count == 1, let output = graph.outputs.first else {
            throw InferenceError.notAClassifier(path: path, reason: "it has \(graph.inputs.count) inputs")
        }
        let (input, result) = (graph.fact(graph.inputs[0]), graph.fact(output))
        let shape = input.shape.dimensions
        guard shape.count == 4, shape[0] == 1, input.elementType == .float32 else {
            throw InferenceError.notAClassifier(path: path, reason: "its input is \(input), not an image [1, C, H, W]")
        }
        let isChannelsLast = ![1, 3].contains(shape[1]) && [1, 3].contains(shape[3])
        let (channels, height, width) =
            isChannelsLast ? (shape[3], shape[1], shape[2]) : (shape[1], shape[2], shape[3])
        guard [1, 3].contains(channels), (1...8192).contains(width), (1...8192).contains(height) else {
            throw InferenceError.notAClassifier(
                path: path, reason: "its input is \(input), not an image of 1 or 3 channels")
        }
        let isClassifier =
            graph.outputs.count == 1 && result.shape.dimensions.filter { $0 > 1 }.count <= 1 && result.elementCount > 0
            && result.elementType == .float32
        let classes = isClassifier ? result.elementCount : 0
        var options = options
        if let labels { options.statedLabels = labels }
        let names = options.labels(classes: classes)
        if names.count != classes {
            throw InferenceError.wrongClassCount(path: path, labels: names.count, classes: classes)
        }
        let isGrey = channels == 1
        let isCut = isClassifier && height == width
        var resize: Input.Resize? =
            isGrey ? nil : isCut ? .init(mode: .shortSide, size: (height * 8 + 3) / 7) : .init(mode: .stretch)
        if let interpolation = options.interpolation { resize?.interpolation = interpolation }
        self.init(
            schema: 1, name: name, architecture: file.format, description: nil,
            input: Input(
                width: width, height: height, channels: channels, preprocessing: isGrey ? .digit : .photo,
                layout: isChannelsLast ? .nhwc : nil, color: options.color,
                resize: options.resize ?? resize,
                scale: options.scale,
                mean: options.perChannel(\.mean, channels) ?? (isGrey ? [0.1307] : [0.485, 0.456, 0.406]),
                std: options.perChannel(\.std, channels) ?? (isGrey ? [0.3081] : [0.229, 0.224, 0.225])),
            output: Output(activation: graph.endsInProbabilities || !isClassifier ? .none : .softmax),
            labels: names, versions: [:])
    }
}

extension Graph {
    /// Whether the first output is a softmax's, or a sigmoid's.
    var endsInProbabilities: Bool {
        guard let output = outputs.first else { return false }
        var value = output
        while let node = nodes.last(where: { $0.outputs.contains(value) }) {
            switch node.op {
            case let softmax as Softmax: return !softmax.isLogarithm
            case let unary as Unary: return unary.function == .sigmoid
            case is Reshape: value = node.inputs[0]
            default: return false
            }
        }
        return false
    }
}
