// SPDX-License-Identifier: MIT

import Tensors

/// A network as nodes and named values, in an order in which the nodes can run.
///
/// Made by `Layers` from a network's wiring, or by an importer from a file; rewritten by passes; lowered to a plan.
public struct Graph: Sendable {
    /// A value's place in the graph. Never reused, even if the value is removed.
    public struct ValueID: Hashable, Sendable, Comparable {
        /// Index into the graph's table of values.
        public let index: Int

        /// The one that was made earlier comes first.
        public static func < (left: ValueID, right: ValueID) -> Bool { left.index < right.index }
    }

    /// What nodes read and write.
    public struct Value: Sendable {
        /// The file's name for it, or one made from its node's. For people: nothing is looked up by it.
        public var name: String
        /// What is known of it.
        public var fact: Fact
    }

    /// One operator at its place.
    public struct Node: Sendable {
        /// The layer's or node's name: what errors and profiles call it.
        public var name: String
        /// What it does.
        public var op: any Operator
        /// What it reads.
        public var inputs: [ValueID]
        /// What it writes: values of no other node.
        public internal(set) var outputs: [ValueID]
    }

    /// Every value that was ever made.
    public private(set) var values: [Value] = []
    /// The nodes, each after those whose outputs it reads.
    public internal(set) var nodes: [Node] = []
    /// What the caller gives, in order.
    public private(set) var inputs: [ValueID] = []
    /// What the caller gets, in order.
    public var outputs: [ValueID] = []
    /// The file's names for what the caller gets, in order; empty where it has none.
    private var declaredOutputNames: [String] = []

    /// Makes an empty graph.
    public init() {}

    /// What is known of a value.
    public subscript(id: ValueID) -> Value {
        get { values[id.index] }
        set { values[id.index] = newValue }
    }

    /// What is known of a value.
    public func fact(_ id: ValueID) -> Fact { values[id.index].fact }

    /// A value's numbers, if they are known.
    public func constant(_ id: ValueID) -> Tensor? { values[id.index].fact.constant }

    /// Adds an input.
    public mutating func addInput(_ name: String, _ fact: Fact) -> ValueID {
        let id = addValue(name, fact)
        inputs.append(id)
        return id
    }

    /// Adds numbers that are known: weights, shapes.
    public mutating func addConstant(_ name: String, _ tensor: Tensor) -> ValueID {
        addValue(name, Fact(constant: tensor))
    }

    /// Says what the caller gets, under the names that the file has for it: the values behind them may have other names, and
    /// passes put other values in their places. A name that comes again gets a number behind it.
    public mutating func setOutputs(_ named: [(name: String, value: ValueID)]) {
        outputs = named.map(\.value)
        declaredOutputNames = Self.toldApart(named.map(\.name))
    }

    /// Names of which one that comes again gets a number behind it.
    static func toldApart(_ names: [String]) -> [String] {
        var unique = UniqueNames()
        return names.map { unique.take($0) }
    }

    /// The name under which the caller gets each output: the file's, or its value's where no file names it.
    public var outputNames: [String] {
        outputs.enumerated().map { index, value in
            index < declaredOutputNames.count ? declaredOutputNames[index] : self[value].name
        }
    }

    /// Adds a node at the end.
    ///
    /// - Parameters:
    ///   - name: The node's name for people.
    ///   - outputNames: Names for the outputs; by default made from the node's.
    /// - Returns: The outputs.
    /// - Throws: `GraphError.node` with the node's name if the inputs do not fit.
    @discardableResult
    public mutating func add(
        _ op: any Operator, _ inputs: [ValueID], name: String, outputNames: [String] = []
    ) throws -> [ValueID] {
        let node = try makeNode(op, inputs, name: name, outputNames: outputNames)
        nodes.append(node)
        return node.outputs
    }

    /// Adds a node in front of another: for passes.
    ///
    /// - Parameter index: The node that comes after it.
    /// - Returns: The outputs.
    /// - Throws: `GraphError.node` if the inputs do not fit.
    @discardableResult
    public mutating func insert(
        _ op: any Operator, _ inputs: [ValueID], name: String, before index: Int
    ) throws -> [ValueID] {
        let node = try makeNode(op, inputs, name: name, outputNames: [])
        nodes.insert(node, at: index)
        return node.outputs
    }

    private mutating func makeNode(
        _ op: any Operator, _ inputs: [ValueID], name: String, outputNames: [String]
    ) throws -> Node {
        let facts: [Fact]
        do {
            facts = try op.outputs(for: inputs.map(fact))
        } catch let error as GraphError {
            throw GraphError.node(name: name, reason: error.description)
        }
        let outputs = facts.enumerated().map { index, fact in
            let made = facts.count == 1 ? name : "\(name):\(index)"
            return addValue(index < outputNames.count ? outputNames[index] : made, fact)
        }
        return Node(name: name, op: op, inputs: inputs, outputs: outputs)
    }

    mutating func addValue(_ name: String, _ fact: Fact) -> ValueID {
        values.append(Value(name: name, fact: fact))
        return ValueID(index: values.count - 1)
    }
}
