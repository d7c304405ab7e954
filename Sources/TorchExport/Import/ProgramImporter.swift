// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// Turns a program into a `Graph`: binds the inputs' sizes, goes through the nodes, follows what is written in place, and computes at
/// once whatever does not depend on the inputs.
final class ProgramImporter {
    /// A value by its name in the program.
    enum Entry {
        case tensor(Binding)
        case number(Number)
        /// It can't be made, because of a problem that has been told.
        case missing
    }

    let program: TorchProgram
    let options: TorchExportOptions
    let limits: TorchExportLimits
    private(set) var problems: [UnsupportedNode] = []
    private(set) var names: [String: Entry] = [:]
    private var folding: FoldingGraph
    private var symbols: [String: Int]
    private(set) var hints: [String: TensorMessage]
    private lazy var readNames = Set(program.graphMessage.readNames + program.message.outputs.flatMap(\.names))

    init(_ program: TorchProgram, _ options: TorchExportOptions) {
        self.program = program
        self.options = options
        limits = program.limits
        symbols = options.dimensions
        hints = program.graphMessage.tensors
        folding = FoldingGraph(
            FoldingGraph.Limits(
                maxElements: limits.maxElements, maxRank: limits.maxRank, maxBytes: limits.maxFoldedBytes,
                maxWork: limits.maxFoldedWork))
    }

    // MARK: The whole

    func run() throws -> Graph {
        let message = program.message
        var outputs: [(name: String, value: Graph.ValueID)] = []
        do {
            for input in message.inputs { try declare(input) }
            try importNodes(program.graphMessage.nodes)
            for (name, argument) in message.results { outputs += try results(argument, name) }
            for case .other(let kind) in message.outputs {
                report(kind, "output", "an output of this kind is not known")
            }
        } catch let error as FoldingGraph.LimitError {
            throw TorchExportError.limit(what: error.what, limit: error.limit)
        }
        if problems.isEmpty {
            guard !outputs.isEmpty else { throw TorchExportError.malformed(reason: "it has no output") }
            folding.graph.setOutputs(outputs)
            folding.graph.removeUnread()
        }
        return folding.graph
    }

    /// What an output gives, under its own name or that of its value; nothing where it could not be made, which has been told.
    private func results(_ argument: Argument, _ own: String?) throws -> [(name: String, value: Graph.ValueID)] {
        switch argument {
        case .tensor(let name): return try result(name).map { [(own ?? name, $0)] } ?? []
        case .tensors(let names):
            return try names.enumerated().compactMap { index, name in
                guard let name, let value = try result(name) else { return nil }
                return (own.map { "\($0).\(index)" } ?? name, value)
            }
        case .none, .number, .text: return []
        default: throw TorchExportError.malformed(reason: "an output that is no tensor")
        }
    }

    private func result(_ name: String) throws -> Graph.ValueID? {
        switch names[name] {
        case .tensor(let binding)?:
            do {
                return try binding.current(self, name: name)
            } catch let fault as CallFault {
                report(name, "output", fault.reason)
                return nil
            }
        case .number?, .missing?: return nil
        case nil: throw TorchExportError.malformed(reason: "nothing writes its output '\(name)'")
        }
    }

    // MARK: Inputs

    private func declare(_ input: InputMessage) throws {
        switch input {
        case .weight(let argument, let name):
            guard let tensor = program.weights[name] else {
                names[argument] = .missing
                return report(name, "weight", "the archive holds no tensor of this name")
            }
            do {
                let widened = try tensor.converted(to: tensor.elementType.widened)
                names[argument] = .tensor(Binding(try constant(widened, name: name)))
            } catch let error as TensorError {
                names[argument] = .missing
                report(name, "weight", error.description)
            }
        case .user(.tensor(let name)): try declareTensor(name)
        case .user(.none): break
        case .user(let argument):
            names[argument.firstName ?? ""] = .missing
            report(argument.firstName ?? "input", "input", "an input that is no tensor is not taken")
        case .constant(let name, let value):
            if case .number(let number) = value { names[name] = .number(number) }
        case .other(let kind): report(kind, "input", "an input of this kind is not known")
        }
    }

    private func declareTensor(_ name: String) throws {
        guard let hint = hints[name] else {
            throw TorchExportError.malformed(reason: "it does not say what its input '\(name)' is")
        }
        guard let type = ElementType(scalarType: hint.scalarType)?.widened else {
            names[name] = .missing
            return report(name, "input", "values of type \(hint.scalarType) are not taken")
        }
        let shape = try boundShape(of: name, hint)
        try folding.checkSize(shape)
        names[name] = .tensor(Binding(folding.graph.addInput(name, Fact(type, shape))))
    }

    /// The shape of an input: free dimensions bound by their symbols, the first by the batch, those of an image [N, C, H, W] by the
    /// size that was asked for.
    private func boundShape(of name: String, _ hint: TensorMessage) throws -> Shape {
        if let shape = options.shapes[name] {
            for (size, dimension) in zip(shape.dimensions, hint.sizes) {
                if case .symbol(let symbol) = dimension { symbols[symbol] = size }
            }
            return shape
        }
        let wanted = hint.sizes.count == 4 ? options.size.map { [nil, nil, $0.height, $0.width] } : nil
        let sizes = try hint.sizes.enumerated().map { axis, dimension -> Int in
            let asked = wanted?[axis]
            switch dimension {
            case .size(let size):
                if let asked, asked != size, axis >= 2, let size = options.size {
                    throw TorchExportError.fixedSize(
                        input: name, shape: hint.shownShape, wanted: "\(size.height)x\(size.width)")
                }
                return size
            case .symbol(let symbol):
                guard let size = symbols[symbol] ?? asked ?? (axis == 0 ? options.batch : nil) else {
                    throw TorchExportError.freeDimension(input: name, shape: hint.shownShape)
                }
                symbols[symbol] = size
                return size
            case .expression:
                guard let size = asked ?? (axis == 0 ? options.batch : nil) else {
                    throw TorchExportError.freeDimension(input: name, shape: hint.shownShape)
                }
                return size
            }
        }
        do {
            return try Shape(checking: sizes)
        } catch {
            throw TorchExportError.malformed(reason: "input '\(name)' has the shape \(hint.shownShape)")
        }
    }

    // MARK: Nodes

    private func importNodes(_ nodes: [NodeMessage]) throws {
        for node in nodes { try importNode(node) }
    }

    private func importNode(_ node: NodeMessage) throws {
        var isMissing = false
        for (_, argument) in node.inputs {
            for name in argument.names {
                switch names[name] {
                case .missing?: isMissing = true
                case nil:
                    throw TorchExportError.malformed(
                        reason: "node '\(node.name)' reads '\(name)', which nothing writes")
                default: break
                }
            }
        }
        let outputs = node.outputs.flatMap(\.outputNames)
        for name in outputs where name.map({ names[$0] != nil }) ?? false {
            throw TorchExportError.malformed(reason: "'\(name ?? "")' is written twice")
        }
        guard let translate = translator(of: node) else {
            report(node, "no such operator is known")
            return outputs.forEach { standIn(for: $0) }
        }
        guard !isMissing else { return outputs.forEach { standIn(for: $0) } }
        let call = Call(node, self)
        do {
            let results = try translate(call)
            try call.checkArguments()
            guard results.count >= outputs.count else { throw CallFault("it gives \(outputs.count) values") }
            for (name, result) in zip(outputs, results) {
                guard let name else { continue }
                guard let result else {
                    // Most of them nobody reads.
                    guard !isRead(name) else { throw CallFault("its output '\(name)' is not supported") }
                    continue
                }
                switch result {
                case .tensor(let binding): names[name] = .tensor(binding)
                case .number(let number): names[name] = .number(number)
                }
            }
            return
        } catch let fault as CallFault {
            report(node, fault.reason)
        } catch let error as GraphError {
            report(node, error.description)
        } catch let error as TensorError {
            report(node, error.description)
        }
        for name in outputs { standIn(for: name) }
    }

    private func translator(of node: NodeMessage) -> ((Call) throws -> [CallResult?])? {
        if node.inputs.contains(where: { if case .graph = $0.argument { true } else { false } }) {
            return { [self] call in try inline(call) }
        }
        return AtenOperators.translator(node.shownOp)
    }

    /// A value of the type and shape that the program says, so that the nodes behind one that would not run are looked at too.
    private func standIn(for name: String?) {
        guard let name, names[name] == nil else { return }
        names[name] = .missing
        guard let hint = hints[name], let type = ElementType(scalarType: hint.scalarType)?.widened else { return }
        let sizes = hint.sizes.compactMap { dimension -> Int? in
            switch dimension {
            case .size(let size): size
            case .symbol(let symbol): symbols[symbol]
            case .expression: nil
            }
        }
        guard sizes.count == hint.sizes.count, let shape = try? Shape(checking: sizes),
            (try? folding.checkSize(shape)) != nil
        else { return }
        names[name] = .tensor(Binding(folding.graph.addInput(name, Fact(type, shape))))
    }

    private func report(_ node: NodeMessage, _ reason: String) {
        problems.append(
            UnsupportedNode(node: node.name, op: node.shownOp, module: node.module, reason: reason))
    }

    private func report(_ name: String, _ what: String, _ reason: String) {
        problems.append(UnsupportedNode(node: name, op: what, reason: reason))
    }

    // MARK: Graphs within the graph

    /// Puts the nodes of the graph that a node calls in the node's place: autocast and no_grad are written so.
    private func inline(_ call: Call) throws -> [CallResult?] {
        guard
            ["wrap_with_autocast", "wrap_with_set_grad_enabled", "hints_wrapper"].contains(
                where: call.node.target.hasSuffix)
        else { throw CallFault("no such operator is known") }
        guard let place = call.node.inputs.firstIndex(where: { if case .graph = $0.argument { true } else { false } }),
            case .graph(let graph) = call.node.inputs[place].argument
        else { throw CallFault("it calls no graph") }
        call.readAllArguments()
        var given: [Entry] = []
        for (_, argument) in call.node.inputs[(place + 1)...] {
            for name in argument.names { given.append(names[name] ?? .missing) }
        }
        guard given.count == graph.inputs.count else {
            throw CallFault("its graph takes \(graph.inputs.count) values, not \(given.count)")
        }
        let (outer, outerHints) = (names, hints)
        names = [:]
        hints = graph.tensors
        defer { (names, hints) = (outer, outerHints) }
        for (argument, entry) in zip(graph.inputs, given) {
            if let name = argument.firstName { names[name] = entry }
        }
        try importNodes(graph.nodes)
        return try graph.outputs.flatMap(\.outputNames).map { name in
            guard let name else { return nil }
            switch names[name] {
            case .tensor(let binding)?: return .tensor(binding)
            case .number(let number)?: return .number(number)
            case .missing?: throw CallFault("its graph would not run")
            case nil: throw TorchExportError.malformed(reason: "nothing writes '\(name)'")
            }
        }
    }

    // MARK: Building

    /// Whether a node reads a value, or the caller gets it.
    func isRead(_ name: String) -> Bool { readNames.contains(name) }

    func fact(_ id: Graph.ValueID) -> Fact { folding.graph.fact(id) }
    func shape(_ id: Graph.ValueID) -> Shape { folding.graph.fact(id).shape }
    func constant(_ id: Graph.ValueID) -> Tensor? { folding.graph.constant(id) }

    func add(_ op: any Operator, _ inputs: [Graph.ValueID], name: String) throws -> [Graph.ValueID] {
        try folding.add(op, inputs, name: name)
    }

    func constant(_ tensor: Tensor, name: String) throws -> Graph.ValueID {
        try folding.checkSize(tensor.shape)
        return folding.graph.addConstant(name, tensor)
    }
}

extension GraphMessage {
    /// The values that its nodes read, those of graphs within it among them, and those that it gives.
    fileprivate var readNames: [String] {
        nodes.flatMap { node in
            node.inputs.flatMap { _, argument in
                if case .graph(let inner) = argument { inner.readNames } else { argument.names }
            }
        } + outputs.flatMap(\.names)
    }
}

extension OutputMessage {
    fileprivate var names: [String] { if case .user(let argument) = self { argument.names } else { [] } }
}

extension Argument {
    /// The values that it reads.
    var names: [String] {
        switch self {
        case .tensor(let name): [name]
        case .tensors(let names): names.compactMap(\.self)
        case .number(.named(let name)): [name]
        case .numbers(let numbers): numbers.compactMap { if case .named(let name) = $0 { name } else { nil } }
        default: []
        }
    }

    /// The values that it gives, in order; nil for one that is not given.
    var outputNames: [String?] {
        switch self {
        case .tensor(let name), .number(.named(let name)): [name]
        case .tensors(let names): names
        case .numbers(let numbers): numbers.map { if case .named(let name) = $0 { name } else { nil } }
        default: [nil]
        }
    }
}

extension ElementType {
    /// The type in which values of this one are computed: halves as Float32.
    var widened: ElementType {
        switch self {
        case .float16, .bfloat16: .float32
        default: self
        }
    }
}
