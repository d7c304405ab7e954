// SPDX-License-Identifier: MIT

import JSON
import Tensors
import TorchExport

/// Makes the text of a program, node by node.
struct ProgramText {
    private var tensors: [(String, JSONValue)] = []
    private var inputs: [JSONValue] = []
    private var inputSpecs: [JSONValue] = []
    private var nodes: [JSONValue] = []
    private var outputs: [JSONValue] = []
    var major = 8
    /// How the outputs hung together, as `treespec_dumps` writes it.
    var outputSpec: String?
    var weights: [String: Tensor] = [:]

    static func tensor(_ name: String) -> JSONValue { ["as_tensor": ["name": .string(name)]] }

    /// An input; sizes are numbers or symbols.
    mutating func input(_ name: String, _ sizes: [JSONValue], type: Int = 7) {
        declare(name, sizes, type: type)
        inputs.append(Self.tensor(name))
        inputSpecs.append(["user_input": ["arg": Self.tensor(name)]])
    }

    mutating func declare(_ name: String, _ sizes: [JSONValue], type: Int = 7) {
        let sizes = sizes.map { size -> JSONValue in
            if case .string(let symbol) = size {
                return [
                    "as_expr": ["expr_str": .string("Symbol('\(symbol)', positive=True, integer=True)"), "hint": nil]
                ]
            }
            return ["as_int": size]
        }
        tensors.append((name, ["dtype": .integer(type), "sizes": .array(sizes)]))
    }

    mutating func weight(_ name: String, _ tensor: Tensor) {
        inputs.append(Self.tensor("p_" + name))
        inputSpecs.append(["parameter": ["arg": ["name": .string("p_" + name)], "parameter_name": .string(name)]])
        weights[name] = tensor
    }

    mutating func node(_ target: String, _ arguments: [(String, JSONValue)], _ results: [String], name: String? = nil) {
        nodes.append([
            "target": .string("torch.ops." + target), "name": .string(name ?? results.first ?? "node"),
            "inputs": .array(arguments.map { ["name": .string($0.0), "arg": $0.1, "kind": 1] }),
            "outputs": .array(results.map(Self.tensor)), "metadata": [:],
        ])
    }

    mutating func output(_ name: String) { outputs.append(Self.tensor(name)) }

    var document: JSONValue {
        [
            "graph_module": [
                "graph": [
                    "inputs": .array(inputs), "outputs": .array(outputs), "nodes": .array(nodes),
                    "tensor_values": .object(tensors),
                ],
                "signature": [
                    "input_specs": .array(inputSpecs),
                    "output_specs": .array(outputs.map { ["user_output": ["arg": $0]] }),
                ],
                "module_call_graph": outputSpec.map {
                    [
                        ["fqn": "", "signature": ["in_spec": "", "out_spec": .string($0)]],
                        ["fqn": "a", "signature": nil],
                    ]
                } ?? [],
            ],
            "schema_version": ["major": .integer(major), "minor": 20], "torch_version": "2.15.0",
            "verifiers": ["TRAINING"],
        ]
    }

    func program(limits: TorchExportLimits = TorchExportLimits()) throws -> TorchProgram {
        try TorchProgram(text: Array(document.text.utf8), weights: weights, limits: limits)
    }
}

extension JSONValue: ExpressibleByNilLiteral {
    /// Null.
    public init(nilLiteral: ()) { self = .null }
}
