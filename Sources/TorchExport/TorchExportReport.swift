// SPDX-License-Identifier: MIT

import Graphs
import Operators
import Tensors

/// What a look into a program tells: `swiftnet inspect`.
public struct TorchExportReport: Sendable {
    /// A value that the caller gives or gets.
    public struct Value: Sendable {
        /// The program's name for it.
        public let name: String
        /// For example "f32 [s77, 3, 224, 224]"; free dimensions stand with their symbols.
        public let type: String
    }

    /// Version of the format.
    public let schemaVersion: String
    /// The version of PyTorch that wrote the file.
    public let torchVersion: String
    /// Whether the operators are those of `torch.export.export` ("TRAINING") or core ATen ("ATEN").
    public let verifiers: [String]
    /// What the caller gives.
    public let inputs: [Value]
    /// What the caller gets.
    public let outputs: [Value]
    /// Elements of all floating-point weights; those that share their place count once each.
    public let parameterCount: Int
    /// Nodes of the program by their operator: the most frequent first.
    public let operators: [(name: String, count: Int)]
    /// Multiply-adds of one run for the sizes that were asked for; nil if the network would not run.
    public let multiplyAdds: Int?
    /// All that would not run.
    public let problems: [TorchExportProblem]
    /// What keeps the program from being read further: a free dimension, broken structure.
    public let fault: String?
}

extension TorchProgram {
    /// Looks at everything; throws nothing, because what is wrong belongs to the report.
    public func report(_ options: TorchExportOptions = TorchExportOptions()) -> TorchExportReport {
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
        var inputs: [TorchExportReport.Value] = []
        for case .user(let argument) in message.inputs { inputs.append(reported(argument)) }
        var outputs: [TorchExportReport.Value] = []
        for case .user(let argument) in message.outputs { outputs.append(reported(argument)) }
        return TorchExportReport(
            schemaVersion: schemaVersion, torchVersion: torchVersion, verifiers: message.verifiers, inputs: inputs,
            outputs: outputs,
            parameterCount: weights.values.reduce(0) { sum, tensor in
                tensor.elementType.isFloatingPoint
                    ? sum.addingReportingOverflow(tensor.elementCount).partialValue : sum
            },
            operators: counts.map { (name: $0.key, count: $0.value) }.sorted {
                ($1.count, $0.name) < ($0.count, $1.name)
            },
            multiplyAdds: multiplyAdds, problems: importer.problems, fault: fault)
    }

    private func count(_ graph: GraphMessage, _ counts: inout [String: Int]) {
        for node in graph.nodes {
            counts[node.shownOp, default: 0] += 1
            for case .graph(let inner) in node.inputs.map(\.argument) { count(inner, &counts) }
        }
    }

    /// A value as people read it.
    private func reported(_ argument: Argument) -> TorchExportReport.Value {
        guard case .tensor(let name) = argument, let tensor = graphMessage.tensors[name] else {
            return TorchExportReport.Value(name: argument.firstName ?? "?", type: "no tensor")
        }
        let type = ElementType(scalarType: tensor.scalarType)?.rawValue ?? "type \(tensor.scalarType)"
        return TorchExportReport.Value(name: name, type: "\(type) \(tensor.shownShape)")
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
    /// `ScalarType` of `torch/_export/serde/schema.py`; nil for a type that SwiftNet has not.
    init?(scalarType: Int) {
        let types: [Int: ElementType] = [
            1: .uint8, 2: .int8, 3: .int16, 4: .int32, 5: .int64, 6: .float16, 7: .float32, 8: .float64, 12: .bool,
            13: .bfloat16,
        ]
        guard let type = types[scalarType] else { return nil }
        self = type
    }
}
