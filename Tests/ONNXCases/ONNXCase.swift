// SPDX-License-Identifier: MIT

import Graphs
import ONNX
import Operators
import Protobuf
import Tensors

/// One of ONNX's own tests: a model, inputs, and the outputs that the standard's reference gives.
///
/// A file of cases is a protobuf message with a field 1 for each case: name (1), model (2), inputs and outputs as TensorProto
/// (3, 4), relative and absolute tolerance (5, 6), the status that is known of it (7). `Tools/onnx/scoreboard` writes such
/// files.
public struct ONNXCase: Sendable {
    /// The test's name in ONNX.
    public var name = ""
    /// What came of it when the file was written.
    public var status = ""
    private var model: [UInt8] = []
    private var inputs: [[UInt8]] = []
    private var outputs: [[UInt8]] = []
    private var relative = 0.0
    private var absolute = 0.0

    /// Reads a file of cases.
    ///
    /// - Throws: `ProtobufError`.
    public static func all(_ bytes: [UInt8]) throws -> [ONNXCase] {
        try bytes.withUnsafeBytes { buffer in
            var reader = ProtobufReader(buffer)
            var cases: [ONNXCase] = []
            while let field = try reader.next() { cases.append(try ONNXCase(field.message())) }
            return cases
        }
    }

    private init(_ message: ProtobufReader) throws {
        var reader = message
        while let field = try reader.next() {
            switch field.number {
            case 1: name = try field.string(limit: 1000)
            case 2: model = Array(try field.bytes())
            case 3: inputs.append(Array(try field.bytes()))
            case 4: outputs.append(Array(try field.bytes()))
            case 5: relative = try field.double()
            case 6: absolute = try field.double()
            case 7: status = try field.string(limit: 1000)
            default: break
            }
        }
    }

    /// Runs the case: "pass"; "pass, bound" if numbers of inputs such as shapes had to be known when the model was read;
    /// "refused" or "wrong" with the reason.
    public func run() -> String {
        var refusal = ""
        for bound in [0, 1, 2] {
            do {
                let fault = try run(bound: bound)
                return fault.map { "wrong: \($0)" } ?? (bound == 0 ? "pass" : "pass, bound")
            } catch ONNXError.unsupported(let problems) {
                if bound == 0 { refusal = problems.map { "\($0.op): \($0.reason)" }.first ?? "" }
                if problems.allSatisfy({ $0.unknownInputs.isEmpty }) { break }
            } catch {
                if bound == 0 { refusal = "\(error)" }
            }
        }
        return "refused: \(refusal)"
    }

    /// What differs; nil if all is right.
    ///
    /// - Parameter bound: Which inputs are known when the model is read: none, all but the first, all.
    private func run(bound: Int) throws -> String? {
        let model = try ONNXModel(bytes: self.model)
        let names = model.inputNames
        var options = ONNXImportOptions()
        for (index, name) in names.enumerated() where index < inputs.count && (bound == 2 || bound == 1 && index > 0) {
            options.constants[name] = try ONNXModel.tensor(bytes: inputs[index])
        }
        // Sizes that the model leaves free are those of the inputs.
        for (index, name) in names.enumerated() where index < inputs.count && options.constants[name] == nil {
            if let tensor = try? ONNXModel.tensor(bytes: inputs[index]) { options.shapes[name] = tensor.shape }
        }
        let graph = try model.graph(options)
        try graph.check()
        let given = try graph.inputs.map { id in
            guard let index = names.firstIndex(of: graph[id].name), index < inputs.count else {
                throw ONNXError.malformed(reason: "the case has no input '\(graph[id].name)'")
            }
            return try ONNXModel.tensor(bytes: inputs[index])
        }
        let results = try graph.evaluate(given)
        guard results.count >= outputs.count else { return "\(results.count) outputs, expected \(outputs.count)" }
        for (result, bytes) in zip(results, outputs) {
            if let fault = difference(result, try ONNXModel.tensor(bytes: bytes)) { return fault }
        }
        return nil
    }

    private func difference(_ actual: Tensor, _ expected: Tensor) -> String? {
        guard actual.shape == expected.shape, actual.elementType == expected.elementType else {
            return
                "\(actual.elementType.rawValue) \(actual.shape), expected \(expected.elementType.rawValue) \(expected.shape)"
        }
        // As ONNX's own runner has it: two units in the last place of bfloat16.
        let relative = actual.elementType == .bfloat16 ? max(self.relative, 0x1p-6) : self.relative
        for (index, pair) in zip(actual.doubles(), expected.doubles()).enumerated() {
            let (own, other) = pair
            let isSame = own == other || own.isNaN && other.isNaN
            guard isSame || abs(own - other) <= absolute + relative * abs(other) else {
                return "element \(index) is \(own), expected \(other)"
            }
        }
        return nil
    }
}
