// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

extension ONNXModel {
    /// Looks at everything; throws nothing, because what is wrong belongs to the report.
    public func report(_ options: ONNXImportOptions = ONNXImportOptions()) -> NetworkReport {
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
        return NetworkReport(
            format: "ONNX", version: "\(irVersion)", producer: producer,
            opsets: message.opsets.map { (domain: $0.key.isEmpty ? "ai.onnx" : $0.key, version: $0.value) }.sorted {
                $0.domain < $1.domain
            },
            inputs: graphMessage.inputs.filter { !known.contains($0.name) }.map(\.reported),
            outputs: graphMessage.outputs.map(\.reported), parameterCount: parameters, counts: counts,
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
    fileprivate var reported: NetworkReport.Value {
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
        return NetworkReport.Value(name: name, type: "\(type) \(sizes.map { "[\($0)]" } ?? "of any shape")")
    }
}
