// SPDX-License-Identifier: MIT

import Graphs
import ONNX
import Operators
import Tensors

/// Reads the input as an ONNX model, binds its sizes, folds what is constant, and runs what is left if it is small: whatever the
/// bytes are, there is a graph that checks or an error with a message.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzONNX(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var limits = ONNXLimits()
    limits.maxItems = 20_000
    limits.maxNodes = 500
    limits.maxElements = 1 << 16
    limits.maxFoldedBytes = 1 << 22
    limits.maxFoldedWork = 1 << 20
    limits.maxUnpackedBytes = 1 << 22
    do {
        let model = try ONNXModel(bytes: bytes, limits: limits)
        _ = model.producer
        var options = ONNXImportOptions()
        options.size = (height: 5, width: 4)
        precondition(
            model.report(options).operators.allSatisfy { $0.count > 0 }, "an operator is counted that is not there")
        let graph = try model.graph(options)
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
