// SPDX-License-Identifier: MIT

/// What a look into a file that holds a network tells: `swiftnet inspect`.
public struct NetworkReport: Sendable {
    /// A value that the caller gives or gets.
    public struct Value: Sendable {
        /// The file's name for it.
        public let name: String
        /// For example "f32 [1, 3, 224, 224]"; free dimensions stand with the names that the file gives them.
        public let type: String

        /// Describes a value.
        public init(name: String, type: String) {
            self.name = name
            self.type = type
        }
    }

    /// Name of the format: "ONNX", "torch.export".
    public var format: String
    /// Version of the format.
    public var version: String
    /// The program that wrote the file, with its version; empty where the file does not say.
    public var producer: String
    /// Versions of the operators by their domain, sorted; ONNX's own is "ai.onnx". Empty for formats that have none.
    public var opsets: [(domain: String, version: Int)] = []
    /// What the caller gives, as the file declares it.
    public var inputs: [Value]
    /// What the caller gets, as the file declares it.
    public var outputs: [Value]
    /// Elements of all floating-point weights; those that share their place count once each.
    public var parameterCount: Int
    /// Nodes of the file by their operator: the most frequent first.
    public var operators: [(name: String, count: Int)]
    /// Multiply-adds of one run for the sizes that were asked for; nil if the network would not run.
    public var multiplyAdds: Int?
    /// All that would not run.
    public var problems: [UnsupportedNode]
    /// What keeps the file from being read further: a free dimension, broken structure.
    public var fault: String?

    /// Gathers what is told.
    ///
    /// - Parameter counts: Nodes by their operator, in any order.
    public init(
        format: String, version: String, producer: String, opsets: [(domain: String, version: Int)] = [],
        inputs: [Value], outputs: [Value], parameterCount: Int, counts: [String: Int], multiplyAdds: Int?,
        problems: [UnsupportedNode], fault: String?
    ) {
        self.format = format
        self.version = version
        self.producer = producer
        self.opsets = opsets
        self.inputs = inputs
        // As a plan and a server call them.
        self.outputs = zip(Graph.toldApart(outputs.map(\.name)), outputs).map { Value(name: $0, type: $1.type) }
        self.parameterCount = parameterCount
        operators = counts.map { (name: $0.key, count: $0.value) }.sorted {
            ($1.count, $0.name) < ($0.count, $1.name)
        }
        self.multiplyAdds = multiplyAdds
        self.problems = problems
        self.fault = fault
    }
}

/// A file's node that would not run, and why.
public struct UnsupportedNode: Equatable, Sendable, CustomStringConvertible {
    /// The node's name, or its first output's where it has none.
    public let node: String
    /// Its operator, with the domain unless it is the format's own: "NonMaxSuppression", "aten.conv2d.default".
    public let op: String
    /// The module of the network in which it stands; empty where the file does not say.
    public let module: String
    /// What can't be done.
    public let reason: String
    /// Inputs of the network whose numbers would have to be known when it is loaded.
    public let unknownInputs: [String]

    /// Describes a node.
    public init(node: String, op: String, module: String = "", reason: String, unknownInputs: [String] = []) {
        self.node = node
        self.op = op
        self.module = module
        self.reason = reason
        self.unknownInputs = unknownInputs
    }

    /// For example "aten.nonzero.default 'nonzero' in head: no such operator is known".
    public var description: String { "\(op) '\(node)'\(module.isEmpty ? "" : " in \(module)"): \(reason)" }
}

extension [UnsupportedNode] {
    /// One line that names the first few.
    ///
    /// - Parameter whole: What they are nodes of: "model", "program".
    package func summary(of whole: String) -> String {
        "\(count) of the \(whole)'s nodes would not run: " + prefix(3).map(\.description).joined(separator: "; ")
            + (count > 3 ? "; ... ('swiftnet inspect' lists them all)" : "")
    }
}
