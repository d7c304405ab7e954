// SPDX-License-Identifier: MIT

import Checkpoints
import Graphs
import Operators
import Tensors

extension TorchProgram {
    /// Looks at everything; throws nothing, because what is wrong belongs to the report.
    public func report(_ options: TorchExportOptions = TorchExportOptions()) -> NetworkReport {
        let importer = ProgramImporter(self, options)
        var fault: String?
        var multiplyAdds: Int?
        do {
            let graph = try importer.run()
            if importer.problems.isEmpty { multiplyAdds = graph.multiplyAdds }
        } catch {
            fault = "\(error)"
        }
        var counts: [String: Int] = [:]
        count(graphMessage, &counts)
        var inputs: [NetworkReport.Value] = []
        for case .user(let argument) in message.inputs { inputs.append(reported(argument)) }
        var outputs: [NetworkReport.Value] = []
        for (name, argument) in message.results { outputs.append(reported(argument, as: name)) }
        return NetworkReport(
            format: "torch.export", version: schemaVersion, producer: "PyTorch \(torchVersion)",
            opsets: message.opsets.map { (domain: $0.name, version: $0.version) }, inputs: inputs,
            outputs: outputs,
            parameterCount: weights.values.reduce(0) { sum, tensor in
                tensor.elementType.isFloatingPoint
                    ? sum.addingReportingOverflow(tensor.elementCount).partialValue : sum
            }, counts: counts, multiplyAdds: multiplyAdds, problems: importer.problems, fault: fault)
    }

    private func count(_ graph: GraphMessage, _ counts: inout [String: Int]) {
        for node in graph.nodes {
            counts[node.shownOp, default: 0] += 1
            for case .graph(let inner) in node.inputs.map(\.argument) { count(inner, &counts) }
        }
    }

    /// A value as people read it.
    private func reported(_ argument: Argument, as own: String? = nil) -> NetworkReport.Value {
        guard case .tensor(let name) = argument, let tensor = graphMessage.tensors[name] else {
            return NetworkReport.Value(name: own ?? argument.firstName ?? "?", type: "no tensor")
        }
        let type = ElementType(scalarType: tensor.scalarType)?.rawValue ?? "type \(tensor.scalarType)"
        return NetworkReport.Value(name: own ?? name, type: "\(type) \(tensor.shownShape)")
    }
}

extension TensorMessage {
    /// For example "[s77, 3, 224, 224]".
    var shownShape: String {
        let sizes = sizes.map { dimension in
            switch dimension {
            case .size(let size): "\(size)"
            case .symbol(let name), .expression(let name): name
            }
        }
        return "[" + sizes.joined(separator: ", ") + "]"
    }
}

extension ElementType {
    /// The type of a number in a program's JSON; nil for a type that SwiftNet has not.
    init?(scalarType: Int) {
        guard let type = TorchType(scalarType: scalarType)?.elementType else { return nil }
        self = type
    }
}
