// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Protobuf
import Tensors

/// Writes a graph as an ONNX file of opset 20 that other runtimes read as well.
///
/// The batch is left free, and all that the file holds follows it. Where a network mixes the images of a batch, it is written for the
/// batch that the graph has.
public struct ONNXWriter {
    private let graph: Graph
    /// Where the batch stands; nil if it is not free.
    let batch: BatchAxes?
    private var body = ProtobufWriter()
    private var names: [Graph.ValueID: String] = [:]
    private var valueNames = UniqueNames()
    private var nodeNames = UniqueNames()
    private var written = Set<Graph.ValueID>()
    private var problems: [UnsupportedNode] = []

    /// The file's bytes.
    ///
    /// - Parameters:
    ///   - metadata: What is noted beside the network.
    /// - Throws: `ONNXError.unsupported` with all nodes that have no form in ONNX here.
    public static func bytes(
        of graph: Graph, name: String, metadata: [(key: String, value: String)] = []
    ) throws -> [UInt8] {
        var writer = ONNXWriter(graph)
        return try writer.model(name: name, metadata: metadata)
    }

    private init(_ graph: Graph) {
        self.graph = graph
        batch = BatchAxes(graph)
    }

    private mutating func model(name: String, metadata: [(key: String, value: String)]) throws -> [UInt8] {
        for input in graph.inputs { _ = self.name(input) }
        let outputs = nameOutputs()
        for node in graph.nodes { try write(node) }
        guard problems.isEmpty else { throw ONNXError.unsupported(problems) }
        for (name, id) in outputs where name != self.name(id) {
            write("Identity", [input(id)], [name], name: name)
        }
        body.write(2, string: name)
        for input in graph.inputs { writePort(11, self.name(input), input) }
        for (name, id) in outputs { writePort(12, name, id) }
        var model = ProtobufWriter()
        model.write(1, int64: 9)
        model.write(2, string: "SwiftNet")
        model.write(7, bytes: body.bytes)
        model.write(8) { $0.write(2, int64: 20) }
        for (key, value) in metadata {
            model.write(14) {
                $0.write(1, string: key)
                $0.write(2, string: value)
            }
        }
        return model.bytes
    }

    private mutating func writePort(_ field: Int, _ name: String, _ id: Graph.ValueID) {
        let (fact, place) = (graph.fact(id), batch?[id])
        body.write(field) { port in
            port.write(1, string: name)
            port.write(2) { type in
                type.write(1) { tensor in
                    tensor.write(1, int64: fact.elementType.onnxNumber)
                    tensor.write(2) { shape in
                        for (axis, size) in fact.shape.dimensions.enumerated() {
                            shape.write(1) { dimension in
                                if let place, place.axis == axis {
                                    let name = place.rows == 1 ? "batch" : "\(place.rows)*batch"
                                    dimension.write(2, string: name)
                                } else {
                                    dimension.write(1, int64: size)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: Values

    /// Gives outputs the names that callers know them by.
    ///
    /// - Returns: The names. Where a value has another one, because it is an input or comes twice, a copy is needed.
    private mutating func nameOutputs() -> [(name: String, id: Graph.ValueID)] {
        zip(graph.outputNames, graph.outputs).map { declared, id in
            let name = newName(declared)
            if names[id] == nil, graph.constant(id) == nil { names[id] = name }
            return (name, id)
        }
    }

    /// A value's name in the file: its own, with a number behind it where another has that already.
    private mutating func name(_ id: Graph.ValueID) -> String {
        if let known = names[id] { return known }
        let name = newName(graph[id].name)
        names[id] = name
        return name
    }

    /// A name that no value has.
    mutating func newName(_ base: String) -> String { valueNames.take(base.isEmpty ? "value" : base) }

    /// What a node reads: constants are written before it, those that were made of integers as these.
    mutating func input(_ id: Graph.ValueID) -> String {
        let name = name(id)
        guard let tensor = graph.constant(id), written.insert(id).inserted else { return name }
        guard let quantized = graph.fact(id).quantized, quantized.integers.shape == tensor.shape else {
            write(tensor, as: name)
            return name
        }
        var inputs = [newName(name + ":integers"), newName(name + ":scale")]
        write(quantized.integers, as: inputs[0])
        write(quantized.scale, as: inputs[1])
        if let zero = quantized.zeroPoint {
            inputs.append(newName(name + ":zero"))
            write(zero, as: inputs[2])
        }
        write("DequantizeLinear", inputs, [name], name: name, [("axis", .int(quantized.axis))])
        return name
    }

    /// A tensor that the file holds.
    mutating func write(_ tensor: Tensor, as name: String) {
        body.write(5) { message in
            for size in tensor.shape.dimensions { message.write(1, int64: size) }
            message.write(2, int64: tensor.elementType.onnxNumber)
            message.write(8, string: name)
            tensor.withUnsafeBytes { message.write(9, bytes: $0) }
        }
    }

    /// A new constant's name.
    mutating func constant(_ base: String, _ tensor: Tensor) -> String {
        let name = newName(base)
        write(tensor, as: name)
        return name
    }

    // MARK: Nodes

    enum Attribute {
        case int(Int)
        case float(Double)
        case string(String)
        case ints([Int])
    }

    mutating func write(
        _ type: String, _ inputs: [String], _ outputs: [String], name: String, _ attributes: [(String, Attribute)] = []
    ) {
        let name = name.isEmpty ? name : nodeNames.take(name)
        body.write(1) { node in
            for input in inputs { node.write(1, string: input) }
            for output in outputs { node.write(2, string: output) }
            node.write(3, string: name)
            node.write(4, string: type)
            for (name, attribute) in attributes {
                node.write(5) { message in
                    message.write(1, string: name)
                    switch attribute {
                    case .float(let value):
                        message.write(2, float: Float(value))
                        message.write(20, int64: 1)
                    case .int(let value):
                        message.write(3, int64: value)
                        message.write(20, int64: 2)
                    case .string(let value):
                        message.write(4, string: value)
                        message.write(20, int64: 3)
                    case .ints(let values):
                        for value in values { message.write(8, int64: value) }
                        message.write(20, int64: 7)
                    }
                }
            }
        }
    }

    private mutating func write(_ node: Graph.Node) throws {
        let inputs = node.inputs.map { input($0) }
        let outputs = node.outputs.map { name($0) }
        if try !write(node.op, inputs, outputs, node) {
            problems.append(UnsupportedNode(node: node.name, op: node.op.name, reason: "it can't be written as ONNX"))
        }
    }

    /// The facts of what a node reads.
    func facts(_ node: Graph.Node) -> [Fact] { node.inputs.map(graph.fact) }

    /// The sizes that Reshape is told: 0 where the batch stays as it is, -1 where it takes what the other axes leave.
    func sizes(_ reshape: Reshape, _ node: Graph.Node) -> [Int] {
        var sizes = reshape.shape.dimensions
        guard let place = batch?[node.outputs[0]] else { return sizes }
        sizes[place.axis] = place == batch?[node.inputs[0]] ? 0 : -1
        return sizes
    }
}

extension ElementType {
    /// ONNX's number of the type.
    var onnxNumber: Int {
        switch self {
        case .float32: 1
        case .uint8: 2
        case .int8: 3
        case .int16: 5
        case .int32: 6
        case .int64: 7
        case .bool: 9
        case .float16: 10
        case .float64: 11
        case .bfloat16: 16
        }
    }
}
