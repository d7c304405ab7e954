// SPDX-License-Identifier: MIT

import ArgumentParser
import Checkpoints
import CommandSupport
import Inference
import JSON
import Models
import SwiftNet
import SystemCalls
import Tensors
import Text

/// `swiftnet inspect`: lists a checkpoint's tensors, or says what a network's file is and what of it would not run.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", _superCommandName: SwiftNetCommand.name,
        abstract: "Show what a checkpoint, an ONNX model or a program of torch.export holds.",
        discussion: """
            Of .pth and .safetensors files: the tensors, and the architecture that they are recognised as. Of .onnx and \
            .pt2 files: inputs, outputs, size and operators, and all that would not run; then the exit code is 65. Runs no code from them.

            EXAMPLES
              swiftnet inspect model.onnx
              swiftnet inspect mnist_cnn.pt
            """)

    @Flag(help: "Print one line of JSON per tensor, or one for an ONNX model or a program.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Size of the network's images, where its file leaves it open: 224x224, or 224.", valueName: "HxW"))
    var size: String?

    @Argument(help: ArgumentHelp("A checkpoint, an ONNX model or a program.", valueName: "file"), completion: .file())
    var file: String

    func run() throws {
        try Failure.reporting {
            if let report = try Failure.about(file, networkReport) { return try show(report) }
            let weights = try Failure.about(file) { try Checkpoint.open(path: file).stateDict }
            if json {
                for (name, tensor) in weights.entries { try writeStandardOutput(line(name, tensor) + "\n") }
                return
            }
            var rows = [["NAME", "SHAPE", "TYPE", "SIZE", "MIN", "MAX", "MEAN", "NAN"]]
            for (name, tensor) in weights.entries { rows.append(row(name, tensor)) }
            let parameters = "\(weights.count) tensors, \(weights.parameterCount) parameters, "
            try writeStandardOutput(
                Table(rows).description + "\n" + parameters + ByteCount.text(weights.byteCount) + "\n"
                    + architecture(weights) + "\n")
        }
    }

    private func architecture(_ weights: StateDict) -> String {
        do {
            let found = try Architecture.recognised(in: weights, hint: file)
            return "architecture: \(found.title), \(found.classes) classes, input \(found.inputShape)"
        } catch {
            return "architecture: \(Failure.line(error))"
        }
    }

    private func row(_ name: String, _ tensor: Tensor) -> [String] {
        let statistics = tensor.statistics()
        func text(_ value: Double?) -> String { value.map { "\(Float($0))" } ?? "-" }
        return [
            Printable.line(name), "\(tensor.shape)", tensor.elementType.rawValue, ByteCount.text(tensor.byteCount),
            text(statistics.minimum), text(statistics.maximum), text(statistics.mean), String(statistics.nanCount),
        ]
    }

    private func line(_ name: String, _ tensor: Tensor) -> String {
        let statistics = tensor.statistics()
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        return JSONValue.object(
            [
                ("name", .string(name)),
                ("shape", .array(tensor.shape.dimensions.map { .integer($0) })),
                ("type", .string(tensor.elementType.rawValue)),
                ("bytes", .integer(tensor.byteCount)),
                ("min", number(statistics.minimum)),
                ("max", number(statistics.maximum)),
                ("mean", number(statistics.mean)),
                ("nan", .integer(statistics.nanCount)),
                ("inf", .integer(statistics.infinityCount)),
            ] as [(String, JSONValue)]
        ).text
    }
}
