// SPDX-License-Identifier: MIT

import Kernels

/// A node of the graph with the nodes after it that its kernel can do while it writes.
struct FusedNode {
    /// The node that does the work.
    let root: Int
    /// A batch norm that goes into the root's weights.
    var batchNorm: BatchNorm2d?
    /// A value to add before the activation.
    var residual: Int?
    var activation: Activation = .none
    /// The node whose value comes out.
    var result: Int
}

extension Graph {
    /// Groups the nodes into kernel calls, in an order in which they can run.
    ///
    /// A convolution or linear layer takes along a batch norm, then an addition, then an activation, each if it is the only
    /// reader of what comes before. Additions and batch norms that stand alone take along an activation.
    ///
    /// - Parameters:
    ///   - result: The node whose value the network returns; it is never hidden inside a group.
    func fused(result: Int) -> [FusedNode] {
        let consumers = consumers()
        var taken = Set<Int>()
        var groups: [FusedNode] = []
        for index in nodes.indices where !taken.contains(index) {
            var group = FusedNode(root: index, result: index)
            while group.result != result, let next = onlyConsumer(of: group.result, consumers),
                extend(&group, with: next, consumers)
            {
                taken.insert(next)
            }
            groups.append(group)
        }
        return groups
    }

    private func onlyConsumer(of index: Int, _ consumers: [[Int]]) -> Int? {
        consumers[index].count == 1 ? consumers[index][0] : nil
    }

    /// Takes `next` into the group if the group's kernel can do it.
    private func extend(_ group: inout FusedNode, with next: Int, _ consumers: [[Int]]) -> Bool {
        guard group.activation == .none else { return false }
        switch (nodes[group.root].operation, nodes[next].operation) {
        case (.conv2d, .batchNorm2d(let norm)) where group.result == group.root:
            group.batchNorm = norm
        case (.conv2d(let conv), .add) where group.residual == nil && !conv.isDepthwise:
            // The other operand must exist before this group runs.
            guard let other = nodes[next].inputs.first(where: { $0 != group.result }), other < group.root else {
                return false
            }
            group.residual = other
        case (.conv2d, .activation(let activation)), (.linear, .activation(let activation)),
            (.add, .activation(let activation)), (.batchNorm2d, .activation(let activation)):
            guard activation != .none else { return false }
            group.activation = activation
        default:
            return false
        }
        group.result = next
        return true
    }
}
