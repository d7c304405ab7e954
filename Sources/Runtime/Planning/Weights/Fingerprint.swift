// SPDX-License-Identifier: MIT

import Graphs
import Kernels

/// A number that tells plans apart: FNV-1a over what decides how weights are packed and read: the kernels of each family, the machine, the
/// graph, and what was chosen for it.
struct Fingerprint {
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ graph: Graph, summaries: [StepSummary], machine: Machine, weightBytes: Int) {
        for family in machine.families { add(family.description) }
        add(machine.lanes)
        add(machine.l2Bytes)
        add(machine.products.name)
        add(machine.products.isForced ? 1 : 0)
        add(weightBytes)
        for node in graph.nodes {
            add(node.op.name)
            for output in node.outputs {
                graph.fact(output).shape.dimensions.forEach { add($0) }
                graph.fact(output).order.axes.forEach { add($0) }
            }
        }
        for summary in summaries { add(summary.algorithm) }
    }

    /// Sixteen hexadecimal digits.
    var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private mutating func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }

    private mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        add(0 as UInt8)
    }

    private mutating func add(_ value: Int) { add("\(value)") }
}
