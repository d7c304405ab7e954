// SPDX-License-Identifier: MIT

import Graphs
import Tensors

extension ModelDescription.Input {
    /// A tensor that a network takes as it comes.
    public struct Tensor: Sendable, Equatable {
        /// The name that the network's file has for it.
        public var name: String
        /// Sizes of one of it, without the batch.
        public var shape: [Int]

        /// Describes a tensor of Float32.
        public init(name: String, shape: [Int]) {
            self.name = name
            self.shape = shape
        }
    }

    /// Describes what a network takes that takes no pictures.
    ///
    /// - Parameters:
    ///   - tensors: In the order of the network's file.
    ///   - size: Height and width of images among them, where the file leaves them open.
    public init(tensors: [Tensor], size: (height: Int, width: Int)? = nil) {
        self.init(
            width: size?.width ?? 0, height: size?.height ?? 0, channels: 0, preprocessing: .tensors, mean: [], std: [])
        self.tensors = tensors
    }

    /// Height and width to read the network's file with; nil where it needs none.
    package var size: (height: Int, width: Int)? { height > 0 && width > 0 ? (height, width) : nil }

    /// The tensors for people: "'left' f32 [3, 8, 8], 'right' f32 [4]".
    var shownTensors: String { tensors.map { "'\($0.name)' f32 \($0.shape)" }.joined(separator: ", ") }

    /// - Throws: `InferenceError.takesTensors` if the network takes no pictures.
    func checkTakesPictures() throws {
        if preprocessing == .tensors { throw InferenceError.takesTensors(inputs: shownTensors) }
    }

    /// What contradicts itself where the network takes tensors, if anything does.
    var faultOfTensors: String? {
        guard channels == 0, mean.isEmpty, std.isEmpty, resize == nil, scale == nil, color == nil, layout == nil else {
            return "input.preprocessing 'tensors' prepares nothing: only width, height and tensors go with it"
        }
        if !(width == 0 && height == 0 || (1...8192).contains(width) && (1...8192).contains(height)) {
            return "input.width and input.height must be 1 to 8192"
        }
        if tensors.isEmpty { return "input.tensors names no tensor" }
        for (place, tensor) in tensors.enumerated() {
            if tensor.name.isEmpty { return "input.tensors has one without a name" }
            if tensors[..<place].contains(where: { $0.name.utf8.elementsEqual(tensor.name.utf8) }) {
                return "input.tensors has '\(tensor.name)' twice"
            }
            guard !tensor.shape.contains(where: { $0 < 1 }), (try? Shape(checking: tensor.shape)) != nil else {
                return
                    "the shape of '\(tensor.name)' in input.tensors must have sizes of 1 or more, not \(tensor.shape)"
            }
        }
        let count = tensors.reduce((sum: 0, overflow: false)) { total, tensor in
            let (sum, overflow) = total.sum.addingReportingOverflow(Shape(tensor.shape).elementCount)
            return (sum, overflow || total.overflow)
        }
        return count.overflow ? "the shapes in input.tensors are too large together" : nil
    }
}

extension ModelDescription {
    /// What holds for a file whose network has several inputs: it takes them as they come, and answers with its numbers.
    ///
    /// - Throws: `InferenceError.unfitInputs` if one is no batch of Float32, or if what is said is about pictures.
    init(tensorsOf graph: Graph, file: GraphFile, name: String, _ options: GraphModelOptions) throws {
        if let flag = options.flagsForPictures.first {
            throw InferenceError.unfitInputs(
                path: file.path,
                reason: "it takes \(graph.inputs.count) inputs, which are no pictures: there is nothing for \(flag)")
        }
        self.init(
            schema: 1, name: name, architecture: file.format, description: nil,
            input: Input(tensors: try Self.tensors(of: graph, path: file.path), size: options.size),
            output: Output(activation: .none), labels: [], versions: [:])
    }

    /// The inputs of a network, without the batch.
    ///
    /// - Throws: `InferenceError.unfitInputs` if one is no batch of Float32.
    static func tensors(of graph: Graph, path: String) throws -> [Input.Tensor] {
        try graph.inputs.map { input in
            let (name, fact) = (graph[input].name, graph.fact(input))
            guard fact.elementType == .float32, fact.shape.dimensions.first == 1, fact.elementCount > 0 else {
                throw InferenceError.unfitInputs(
                    path: path,
                    reason:
                        "its input '\(name)' is \(fact); of \(graph.inputs.count) inputs each must be f32 [1, ...], "
                        + "the batch first")
            }
            return Input.Tensor(name: name, shape: Array(fact.shape.dimensions.dropFirst()))
        }
    }
}

extension GraphModelOptions {
    /// What is said here that is about pictures, or about classes of them: the flags of `swiftnet add`.
    var flagsForPictures: [String] {
        [
            ("--labels", labels != nil), ("--resize", resize != nil), ("--interpolation", interpolation != nil),
            ("--mean", mean != nil), ("--std", std != nil), ("--scale", scale != nil), ("--bgr", color != nil),
        ].filter(\.1).map(\.0)
    }
}
