// SPDX-License-Identifier: MIT

import Checkpoints
import Inference
import JSON
import Layers
import Models
import Runtime
import SystemCalls
import Tensors

/// Runs a network's file, or weights whose architecture is recognised, on one input of Float32, for `Tools/zoo`.
///
///     zoo-runner FILE INPUT OUTPUT HEIGHT WIDTH
///
/// Writes the answer's numbers to OUTPUT and a line of JSON to standard output.
func run(_ arguments: [String]) throws {
    guard arguments.count == 6, let height = Int(arguments[4]), let width = Int(arguments[5]) else {
        throw ZooError(description: "usage: zoo-runner FILE INPUT OUTPUT HEIGHT WIDTH")
    }
    let input = try MappedFile(path: arguments[2])
    let count = 3 * height * width
    guard input.bytes.count == count * 4 else { throw ZooError(description: "the input has not \(count) numbers") }
    let tensor = Tensor(shape: [1, 3, height, width]) { buffer in
        for index in 0..<count {
            buffer[index] = input.bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
        }
    }
    let start = SystemClock.monotonicNanoseconds()
    let plan: Plan
    if let file = GraphFile(recognising: arguments[1]) {
        plan = try Plan(file.read(size: (height, width)).graph)
    } else {
        let weights = try Checkpoint.open(path: arguments[1]).stateDict
        plan = try Plan(
            Architecture.recognised(in: weights, hint: arguments[1]).makeNetwork(weights), input: [3, height, width],
            weights: nil)
    }
    let planned = SystemClock.monotonicNanoseconds()
    let session = try Session(plan)
    let answer = try session.run(inputs: [tensor])[0]
    let ran = SystemClock.monotonicNanoseconds()
    let bytes = answer.floats().flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    _ = try OutputFile.write(bytes, to: arguments[3], existing: .replace)
    let references = plan.summaries.filter { $0.algorithm == "reference" }.map(\.operation)
    let report = JSONValue.object(
        [
            ("kernels", .string(plan.kernels.name)), ("steps", .integer(plan.summaries.count)),
            ("references", .array(Set(references).sorted().map { .string($0) })),
            ("plan_ms", .integer(Int(planned - start) / 1_000_000)),
            ("run_ms", .integer(Int(ran - planned) / 1_000_000)),
        ] as [(String, JSONValue)])
    try writeStandardOutput(report.text + "\n")
}

/// Why a file was not run.
struct ZooError: Error, CustomStringConvertible {
    let description: String
}

do {
    try run(CommandLine.arguments)
} catch {
    writeStandardError("\(error)\n")
    CurrentProcess.exitNow(1)
}
