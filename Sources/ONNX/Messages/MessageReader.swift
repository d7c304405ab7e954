// SPDX-License-Identifier: MIT

import Protobuf

/// Counts what a file has, while its messages are read.
final class ItemCounter {
    let limits: ONNXLimits
    private var items = 0
    private var nodes = 0
    private var unpackedBytes = 0

    init(_ limits: ONNXLimits) { self.limits = limits }

    /// Room for more items.
    var left: Int { limits.maxItems - items }

    /// Room for more unpacked bytes.
    var bytesLeft: Int { limits.maxUnpackedBytes - unpackedBytes }

    func count(_ number: Int = 1) throws {
        guard number <= left else { throw ONNXError.limit(what: "nodes, attributes and names", limit: limits.maxItems) }
        items += number
    }

    func countNode() throws {
        try count()
        nodes += 1
        guard nodes <= limits.maxNodes else { throw ONNXError.limit(what: "nodes", limit: limits.maxNodes) }
    }

    func countBytes(_ number: Int) throws {
        guard number <= bytesLeft else {
            throw ONNXError.limit(what: "bytes of unpacked tensors", limit: limits.maxUnpackedBytes)
        }
        unpackedBytes += number
    }

    func name(_ field: ProtobufField) throws -> String {
        try count()
        return try field.string(limit: limits.maxNameBytes)
    }

    func integers(_ field: ProtobufField, to numbers: inout [Int]) throws {
        let before = numbers.count
        try field.append(to: &numbers, limit: before + max(left, 0))
        try count(numbers.count - before)
    }
}

extension ProtobufReader {
    /// Calls `body` with each field.
    mutating func forEach(_ body: (ProtobufField) throws -> Void) throws {
        while let field = try next() { try body(field) }
    }
}
