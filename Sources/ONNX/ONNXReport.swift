// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// What a look into an ONNX file tells: `swiftnet inspect`.
public struct ONNXReport: Sendable {
    /// A value that the caller gives or gets.
    public struct Value: Sendable {
        /// The file's name for it.
        public let name: String
        /// For example "f32 [1, 3, 224, 224]"; free dimensions stand with the names that the file gives them.
        public let type: String
    }

    /// Version of the format.
    public let irVersion: Int
    /// The program that wrote the file, with its version.
    public let producer: String
    /// Versions of the operators by their domain, sorted; ONNX's own is "ai.onnx".
    public let opsets: [(domain: String, version: Int)]
    /// What the caller gives, as the file declares it.
    public let inputs: [Value]
    /// What the caller gets, as the file declares it.
    public let outputs: [Value]
    /// Elements of all floating-point weights.
    public let parameterCount: Int
    /// Nodes of the file by their operator: the most frequent first.
    public let operators: [(name: String, count: Int)]
    /// Multiply-adds of one run for the sizes that were asked for; nil if the network would not run.
    public let multiplyAdds: Int?
    /// All that would not run.
    public let problems: [ONNXProblem]
    /// What keeps the file from being read further: a free dimension, broken structure.
    public let fault: String?
}

extension ONNXModel {
    /// Looks at everything; throws nothing, because what is wrong belongs to the report.
    public func report(_ options: ONNXImportOptions = ONNXImportOptions()) -> ONNXReport {
        let importer = Importer(self, options)
        var fault: String?
        var multiplyAdds: Int?
        do {
            let graph = try importer.run()
            if importer.problems.isEmpty { multiplyAdds = graph.multiplyAdds }
        } catch {
            fault = "\(error)"
        }
        let known = Set(graphMessage.initializers.map(\.name))
        var counts: [String: Int] = [:]
        count(graphMessage.nodes, &counts)
        let parameters = graphMessage.initializers.filter {
            ElementType(onnx: $0.dataType)?.isFloatingPoint ?? false
        }.reduce(0) { sum, tensor in
            let count = (try? Shape(checking: tensor.dimensions).elementCount) ?? 0
            return sum.addingReportingOverflow(count).partialValue
        }
        return ONNXReport(
            irVersion: irVersion, producer: producer,
            opsets: message.opsets.map { (domain: $0.key.isEmpty ? "ai.onnx" : $0.key, version: $0.value) }.sorted {
                $0.domain < $1.domain
            },
            inputs: graphMessage.inputs.filter { !known.contains($0.name) }.map(\.reported),
            outputs: graphMessage.outputs.map(\.reported), parameterCount: parameters,
            operators: counts.map { (name: $0.key, count: $0.value) }.sorted {
                ($1.count, $0.name) < ($0.count, $1.name)
            },
            multiplyAdds: multiplyAdds, problems: importer.problems, fault: fault)
    }

    private func count(_ nodes: [NodeMessage], _ counts: inout [String: Int]) {
        for node in nodes {
            counts[node.shownOp, default: 0] += 1
            for graph in node.graphs { count(graph.nodes, &counts) }
        }
    }
}

extension ValueMessage {
    /// The value as people read it.
    fileprivate var reported: ONNXReport.Value {
        let type =
            dataType.map { ElementType(onnx: $0)?.rawValue ?? TensorMessage.typeName($0) } ?? "no tensor"
        let sizes = dimensions.map { dimensions in
            dimensions.map { dimension in
                switch dimension {
                case .size(let size): "\(size)"
                case .free(let name): name.isEmpty ? "?" : name
                }
            }.joined(separator: ", ")
        }
        return ONNXReport.Value(name: name, type: "\(type) \(sizes.map { "[\($0)]" } ?? "of any shape")")
    }
}
