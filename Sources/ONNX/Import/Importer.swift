// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Turns a model's graph into a `Graph`: binds the inputs' sizes, goes through the nodes in an order in which they can run, and
/// computes at once whatever does not depend on the inputs.
final class Importer {
    /// A value by its name in the file.
    enum Entry {
        case value(Graph.ValueID)
        /// It can't be made, because of a problem that has been told.
        case missing
    }

    let model: ONNXModel
    let options: ONNXImportOptions
    let limits: ONNXLimits
    var graph: Graph {
        _read { yield folding.graph }
        _modify { yield &folding.graph }
    }
    private var folding: FoldingGraph
    private(set) var problems: [UnsupportedNode] = []
    /// Values by their names, those of inner graphs last.
    var scopes: [[String: Entry]] = [[:]]
    /// Versions of the operators in the function that is read, or in the model.
    var opsets: [String: Int]
    private let functions: [String: FunctionMessage]
    private var nodeCount = 0
    private var depth = 0
    /// Hints of the values' types and shapes.
    private var hints: [String: ValueMessage] = [:]

    init(_ model: ONNXModel, _ options: ONNXImportOptions) {
        self.model = model
        self.options = options
        limits = model.counter.limits
        opsets = model.message.opsets
        folding = FoldingGraph(
            FoldingGraph.Limits(
                maxElements: limits.maxElements, maxRank: limits.maxRank, maxBytes: limits.maxFoldedBytes,
                maxWork: limits.maxFoldedWork))
        functions = Dictionary(
            model.message.functions.map { ("\($0.domain)\u{0}\($0.name)\u{0}\($0.overload)", $0) }
        ) { first, _ in first }
    }

    // MARK: The whole

    func run() throws -> Graph {
        let message = model.graphMessage
        for hint in message.hints { hints[hint.name] = hint }
        try declareInitializers(message)
        for input in message.inputs { try declareInput(input) }
        try importNodes(message.nodes)
        var outputs: [(name: String, value: Graph.ValueID)] = []
        for output in message.outputs {
            switch lookUp(output.name) {
            case .value(let id): outputs.append((output.name, id))
            case .missing: break
            case nil: throw ONNXError.malformed(reason: "nothing writes its output '\(output.name)'")
            }
        }
        if problems.isEmpty {
            guard !outputs.isEmpty else { throw ONNXError.malformed(reason: "it has no output") }
            graph.setOutputs(outputs)
            graph.removeUnread()
        }
        return graph
    }

    private func declareInitializers(_ message: GraphMessage) throws {
        if message.hasSparseInitializers {
            problems.append(UnsupportedNode(node: message.name, op: "graph", reason: "its weights are sparse tensors"))
        }
        for initializer in message.initializers {
            do {
                let tensor = try model.tensors.tensor(initializer)
                try checkSize(tensor.shape)
                define(initializer.name, graph.addConstant(initializer.name, tensor))
            } catch let error as ONNXError {
                guard case .tensor(let name, let reason) = error else { throw error }
                problems.append(UnsupportedNode(node: name, op: "tensor", reason: reason))
                define(initializer.name, nil)
            }
        }
    }

    private func declareInput(_ input: ValueMessage) throws {
        // In the first versions initializers are inputs too.
        if scopes[0][input.name] != nil { return }
        if let tensor = options.constants[input.name] {
            define(input.name, graph.addConstant(input.name, tensor))
            return
        }
        guard let dataType = input.dataType, let type = ElementType(onnx: dataType) else {
            let type = input.dataType.map(TensorMessage.typeName) ?? "sequence, map or optional"
            problems.append(
                UnsupportedNode(node: input.name, op: "input", reason: "values of type \(type) are not taken"))
            define(input.name, nil)
            return
        }
        let shape = try options.boundShape(of: input)
        try checkSize(shape)
        define(input.name, graph.addInput(input.name, Fact(type, shape)))
    }

    /// Checks that a value is not larger than can be.
    func checkSize(_ shape: Shape) throws {
        do {
            try folding.checkSize(shape)
        } catch let error as FoldingGraph.LimitError {
            throw ONNXError.limit(what: error.what, limit: error.limit)
        }
    }

    // MARK: Names

    func lookUp(_ name: String) -> Entry? {
        for scope in scopes.reversed() {
            if let entry = scope[name] { return entry }
        }
        return nil
    }

    func define(_ name: String, _ id: Graph.ValueID?) {
        scopes[scopes.count - 1][name] = id.map { .value($0) } ?? .missing
    }

    // MARK: Nodes

    func importNodes(_ nodes: [NodeMessage]) throws {
        for node in try sorted(nodes) { try importNode(node) }
    }

    private func importNode(_ node: NodeMessage) throws {
        // Functions that call each other could make more nodes than any file has.
        nodeCount += 1
        guard nodeCount <= limits.maxNodes else { throw ONNXError.limit(what: "nodes", limit: limits.maxNodes) }
        var isMissing = false
        let inputs = try node.inputs.map { name -> Graph.ValueID? in
            if name.isEmpty { return nil }
            switch lookUp(name) {
            case .value(let id): return id
            case .missing:
                isMissing = true
                return nil
            case nil:
                throw ONNXError.malformed(reason: "node '\(node.shownName)' reads '\(name)', which nothing writes")
            }
        }
        for output in node.outputs where !output.isEmpty && scopes[scopes.count - 1][output] != nil {
            throw ONNXError.malformed(reason: "'\(output)' is written twice")
        }
        let translate = translator(of: node)
        if translate == nil {
            report(node, "no such operator is known")
        } else if !isMissing {
            let context = NodeContext(node, inputs, self)
            do {
                let outputs = try translate?(context) ?? []
                try context.checkAttributes()
                for (index, name) in node.outputs.enumerated() where !name.isEmpty {
                    guard let id = index < outputs.count ? outputs[index] : nil else {
                        throw context.unsupported("its output '\(name)'")
                    }
                    define(name, id)
                }
                return
            } catch let error as NodeFault {
                report(node, error.reason, unknown: error.unknownInputs)
            } catch let error as GraphError {
                report(node, error.description)
            } catch let error as TensorError {
                report(node, error.description)
            } catch let error as ONNXError {
                guard case .tensor(_, let reason) = error else { throw error }
                report(node, reason)
            }
        }
        for name in node.outputs where !name.isEmpty { define(name, stand(for: name)) }
    }

    /// A value of the type and shape that the file says, so that the nodes behind one that would not run are looked at too.
    private func stand(for name: String) -> Graph.ValueID? {
        guard scopes.count == 1, let hint = hints[name], let type = hint.dataType.flatMap({ ElementType(onnx: $0) }),
            let dimensions = hint.dimensions
        else { return nil }
        let sizes = dimensions.compactMap { if case .size(let size) = $0 { size } else { nil } }
        guard sizes.count == dimensions.count, let shape = try? Shape(checking: sizes), (try? checkSize(shape)) != nil
        else { return nil }
        return graph.addInput(name, Fact(type, shape))
    }

    private func report(_ node: NodeMessage, _ reason: String, unknown: [String] = []) {
        problems.append(
            UnsupportedNode(node: node.shownName, op: node.shownOp, reason: reason, unknownInputs: unknown))
    }

    private func translator(of node: NodeMessage) -> ((NodeContext) throws -> [Graph.ValueID?])? {
        if let function = functions["\(node.domain)\u{0}\(node.op)\u{0}\(node.overload)"] {
            return { [self] context in try inline(function, context) }
        }
        return ForeignOperators.all[node.shownOp]
    }

    // MARK: Folding

    /// Adds a node, or computes it at once if all that it reads is known.
    func add(_ op: any Operator, _ inputs: [Graph.ValueID], name: String) throws -> [Graph.ValueID] {
        do {
            return try folding.add(op, inputs, name: name)
        } catch let error as FoldingGraph.LimitError {
            throw ONNXError.limit(what: error.what, limit: error.limit)
        }
    }

    // MARK: Inner graphs

    /// Puts a function's nodes in the place of its caller.
    private func inline(_ function: FunctionMessage, _ context: NodeContext) throws -> [Graph.ValueID?] {
        var attributes: [String: AttributeMessage.Value] = [:]
        for attribute in function.defaults { attributes[attribute.name] = attribute.value }
        for attribute in context.node.attributes { attributes[attribute.name] = attribute.value }
        context.readAllAttributes()
        let (outerScopes, outerOpsets) = (scopes, opsets)
        defer { (scopes, opsets) = (outerScopes, outerOpsets) }
        var scope: [String: Entry] = [:]
        for (name, input) in zip(function.inputs, context.inputs) {
            if let input { scope[name] = .value(input) }
        }
        let absent = Set(function.inputs.filter { scope[$0] == nil })
        scopes = [scope]
        opsets = opsets.merging(function.opsets) { _, own in own }
        try descend {
            try importNodes(function.nodes.map { $0.bound(attributes, absent: absent) })
        }
        return function.outputs.map { if case .value(let id) = lookUp($0) { id } else { nil } }
    }

    /// Puts a graph's nodes in the place of the node that has it; its values may be read from outside, by those outputs.
    func inline(_ message: GraphMessage) throws -> [Graph.ValueID?] {
        scopes.append([:])
        defer { scopes.removeLast() }
        try descend {
            try declareInitializers(message)
            try importNodes(message.nodes)
        }
        return message.outputs.map { if case .value(let id) = lookUp($0.name) { id } else { nil } }
    }

    private func descend(_ body: () throws -> Void) throws {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.maxDepth else {
            throw ONNXError.limit(what: "graphs or functions within each other", limit: limits.maxDepth)
        }
        try body()
    }
}

extension NodeMessage {
    /// A node of a function, with the caller's attributes and without the inputs that the caller leaves out.
    fileprivate func bound(_ values: [String: AttributeMessage.Value], absent: Set<String>) -> NodeMessage {
        var node = self
        node.inputs = inputs.map { absent.contains($0) ? "" : $0 }
        node.attributes = attributes.compactMap { attribute in
            guard case .reference(let name) = attribute.value else { return attribute }
            return values[name].map { AttributeMessage(name: attribute.name, value: $0) }
        }
        return node
    }
}
