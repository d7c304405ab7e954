// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Translates a node of the file: adds what it does to the graph and answers its outputs. An output that is absent is nil.
typealias Translator = @Sendable (NodeContext) throws -> [Graph.ValueID?]

/// Why a node would not run.
struct NodeFault: Error {
    let reason: String
    var unknownInputs: [String] = []
}

/// A node of the file, as its translator sees it.
final class NodeContext {
    let node: NodeMessage
    let inputs: [Graph.ValueID?]
    let importer: Importer
    private var unread: Set<String>

    init(_ node: NodeMessage, _ inputs: [Graph.ValueID?], _ importer: Importer) {
        self.node = node
        self.inputs = inputs
        self.importer = importer
        unread = Set(node.attributes.map(\.name))
    }

    /// Version of the operators of the node's domain.
    var opset: Int { importer.opsets[node.domain] ?? importer.opsets[""] ?? 1 }

    // MARK: Faults

    func unsupported(_ what: String) -> NodeFault { NodeFault(reason: "\(what) is not supported") }
    func invalid(_ reason: String) -> NodeFault { NodeFault(reason: reason) }

    /// Checks that every attribute has been read: one that is not known could change the operator's meaning.
    func checkAttributes() throws {
        guard unread.isEmpty else { throw unsupported("attribute '\(unread.sorted().joined(separator: "', '"))'") }
    }

    func readAllAttributes() { unread = [] }

    /// Reads attributes that do not matter.
    func ignore(_ names: String...) { unread.subtract(names) }

    // MARK: Inputs

    /// The number of inputs that are written down, absent ones among them.
    var inputCount: Int { inputs.count }

    func optional(_ index: Int) -> Graph.ValueID? { index < inputs.count ? inputs[index] : nil }

    func input(_ index: Int) throws -> Graph.ValueID {
        guard let id = optional(index) else { throw invalid("input \(index) is missing") }
        return id
    }

    func fact(_ id: Graph.ValueID) -> Fact { importer.graph.fact(id) }
    func shape(_ id: Graph.ValueID) -> Shape { importer.graph.fact(id).shape }
    func constant(_ id: Graph.ValueID) -> Tensor? { importer.graph.constant(id) }

    /// The numbers of an input that must be known when the model is loaded.
    func known(_ index: Int, _ what: String) throws -> Tensor? {
        guard let id = optional(index) else { return nil }
        if let tensor = constant(id) { return tensor }
        throw NodeFault(
            reason: "\(what) ('\(node.inputs[index])') depends on the model's input",
            unknownInputs: [node.inputs[index]])
    }

    func integers(_ index: Int, _ what: String) throws -> [Int]? { try known(index, what)?.integers() }
    func numbers(_ index: Int, _ what: String) throws -> [Double]? { try known(index, what)?.doubles() }

    // MARK: Attributes

    private func attribute(_ name: String) -> AttributeMessage.Value? {
        unread.remove(name)
        return node.attributes.first { $0.name == name }?.value
    }

    func has(_ name: String) -> Bool { node.attributes.contains { $0.name == name } }

    func int(_ name: String) throws -> Int? {
        guard let value = attribute(name) else { return nil }
        guard case .integer(let integer) = value else { throw invalid("attribute '\(name)' is no integer") }
        return integer
    }

    func int(_ name: String, _ standard: Int) throws -> Int { try int(name) ?? standard }
    func flag(_ name: String, _ standard: Bool = false) throws -> Bool { try int(name, standard ? 1 : 0) != 0 }

    func float(_ name: String) throws -> Double? {
        guard let value = attribute(name) else { return nil }
        guard case .float(let float) = value else { throw invalid("attribute '\(name)' is no number") }
        return float
    }

    func float(_ name: String, _ standard: Double) throws -> Double { try float(name) ?? standard }

    func string(_ name: String, _ standard: String = "") throws -> String {
        guard let value = attribute(name) else { return standard }
        guard case .string(let string) = value else { throw invalid("attribute '\(name)' is no text") }
        return string
    }

    func ints(_ name: String) throws -> [Int]? {
        guard let value = attribute(name) else { return nil }
        switch value {
        case .integers(let integers): return integers
        case .floats(let floats) where floats.isEmpty: return []
        default: throw invalid("attribute '\(name)' is no list of integers")
        }
    }

    func floats(_ name: String) throws -> [Double]? {
        guard let value = attribute(name) else { return nil }
        guard case .floats(let floats) = value else { throw invalid("attribute '\(name)' is no list of numbers") }
        return floats
    }

    func tensor(_ name: String) throws -> Tensor? {
        guard let value = attribute(name) else { return nil }
        guard case .tensor(let message) = value else { throw invalid("attribute '\(name)' is no tensor") }
        return try importer.model.tensors.tensor(message)
    }

    func graph(_ name: String) throws -> GraphMessage {
        guard case .graph(let graph) = attribute(name) else { throw invalid("attribute '\(name)' is no graph") }
        return graph
    }

    /// The value of one of some names.
    func choice<Choice: RawRepresentable<String>>(_ name: String, _ standard: Choice) throws -> Choice {
        let text = try string(name, standard.rawValue)
        guard let choice = Choice(rawValue: text) else { throw unsupported("\(name) '\(text)'") }
        return choice
    }

    /// An axis counted from the front.
    func axis(_ axis: Int, of rank: Int) throws -> Int {
        guard (-rank..<rank).contains(axis) else { throw invalid("axis \(axis) of a value of \(rank) dimensions") }
        return axis < 0 ? axis + rank : axis
    }

    // MARK: Building

    func add(_ op: any Operator, _ inputs: Graph.ValueID...) throws -> Graph.ValueID {
        try addAll(op, inputs)[0]
    }

    func addAll(_ op: any Operator, _ inputs: [Graph.ValueID]) throws -> [Graph.ValueID] {
        try importer.add(op, inputs, name: node.shownName)
    }

    func constant(_ tensor: Tensor) throws -> Graph.ValueID {
        try importer.checkSize(tensor.shape)
        return importer.graph.addConstant(node.shownName, tensor)
    }

    /// A number of the type of a value.
    func constant(_ number: Double, like id: Graph.ValueID) throws -> Graph.ValueID {
        try constant(Tensor([number], as: fact(id).elementType, shape: []))
    }

    func reshape(_ id: Graph.ValueID, _ dimensions: [Int]) throws -> Graph.ValueID {
        let shape = try Shape(checking: dimensions)
        return shape == self.shape(id) ? id : try add(Reshape(shape), id)
    }

    func cast(_ id: Graph.ValueID, to type: ElementType) throws -> Graph.ValueID {
        fact(id).elementType == type ? id : try add(Cast(to: type), id)
    }

    func transpose(_ id: Graph.ValueID, _ permutation: [Int]) throws -> Graph.ValueID {
        permutation == Array(0..<permutation.count) ? id : try add(Transpose(permutation), id)
    }
}
