// SPDX-License-Identifier: MIT

import Graphs
import JSON
import Operators
import SystemCalls
import Tensors
import TorchExport

private let folder = ProcessEnvironment.value("FUZZ_FOLDER") ?? "/tmp"

private let limits: TorchExportLimits = {
    var limits = TorchExportLimits()
    limits.maxItems = 20_000
    limits.maxNodes = 500
    limits.maxElements = 1 << 16
    limits.maxResults = 256
    limits.maxFoldedBytes = 1 << 22
    limits.maxFoldedWork = 1 << 20
    return limits
}()

/// Reads the input as an archive if it begins like one, else as the text of a program whose weights have the shapes that it
/// declares, binds its sizes, folds what is constant, and runs what is left if it is small: whatever the bytes are, there is a
/// graph that checks or an error with a message.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTorchExport(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    do {
        let program = try program(bytes)
        _ = program.torchVersion
        var options = TorchExportOptions()
        options.size = (height: 5, width: 4)
        precondition(
            program.report(options).operators.allSatisfy { $0.count > 0 }, "an operator is counted that is not there")
        let graph = try program.graph(options)
        try graph.check()
        run(graph)
    } catch let error as GraphError {
        // A graph that was made must be one that checks.
        if case .node(_, let reason) = error { precondition(!reason.contains("before it is written"), "\(error)") }
    } catch {
        precondition(!"\(error)".isEmpty, "an error without a message")
    }
    return 0
}

private func program(_ bytes: [UInt8]) throws -> TorchProgram {
    guard bytes.starts(with: Array("PK".utf8)) else {
        return try TorchProgram(text: bytes, weights: weights(bytes), limits: limits)
    }
    let path = folder + "/fuzzed.pt2"
    try OutputFile.write(bytes, to: path, existing: .replace)
    return try TorchProgram(path: path, limits: limits)
}

/// Small numbers for every value that the text declares: the importer looks for those that it calls weights.
private func weights(_ bytes: [UInt8]) -> [String: Tensor] {
    guard let document = try? JSONValue(parsing: bytes),
        let values = document["graph_module"]?["graph"]?["tensor_values"]?.members
    else { return [:] }
    var weights: [String: Tensor] = [:]
    for value in values.prefix(64) {
        guard let sizes = value.value["sizes"]?.array, sizes.count <= 8 else { continue }
        let known = sizes.compactMap { integer($0["as_int"]) }
        let count = known.reduce(1) { $0 > 1 << 12 || !(0...4096).contains($1) ? 1 << 20 : $0 * $1 }
        guard known.count == sizes.count, count <= 1 << 12 else { continue }
        weights[value.name] =
            integer(value.value["dtype"]) == 5
            ? try? Tensor(
                shape: Shape(known), elementType: .int64,
                storage: TensorStorage(byteCount: count * 8) { bytes in
                    for index in 0..<count { bytes[index * 8] = UInt8(index % 3) }
                })
            : Tensor((0..<count).map { Float($0 % 7) - 3 }, shape: Shape(known))
    }
    return weights
}

private func integer(_ value: JSONValue?) -> Int? {
    if case .integer(let number)? = value { number } else { nil }
}
