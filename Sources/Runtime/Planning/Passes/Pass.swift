// SPDX-License-Identifier: MIT

import Graphs

/// One rewrite of a graph on its way to a plan.
public protocol Pass: Sendable {
    /// What people call it with: "FuseActivation".
    var name: String { get }

    /// Rewrites the graph; its answers stay the same.
    ///
    /// - Throws: `GraphError` if a rewrite does not fit, which is a fault of the pass.
    func run(_ graph: inout Graph) throws
}

/// The passes that every graph goes through, in order.
public enum Passes {
    /// From what the file or the layers say to what kernels do.
    public static let all: [any Pass] = [
        UnsignedActivations(), RecogniseGELU(), RecogniseSiLU(), RecogniseHardSwish(), RecogniseLayerNormalization(),
        RecogniseAttention(), CropFilters(),
        RecogniseProducts(), FuseBias(), FoldBatchNorm(), FuseResidual(), FuseActivation(), UseIntegers(), FuseTables(),
        MeanFromRowSums(), ScaleIntoWeights(), FlattenIntoWeights(), AssignLayouts(),
    ]

    /// Runs passes.
    ///
    /// - Parameter observe: Is shown the graph after each pass; it is checked before.
    /// - Throws: `GraphError` with the pass that left the graph broken.
    public static func run(
        _ passes: [any Pass] = all, on graph: inout Graph, observe: ((any Pass, Graph) -> Void)? = nil
    ) throws {
        for pass in passes {
            do {
                try pass.run(&graph)
                graph.removeUnread()
                if checksAlways || observe != nil { try graph.check() }
            } catch let error as GraphError {
                throw GraphError.node(name: "pass \(pass.name)", reason: error.description)
            }
            observe?(pass, graph)
        }
    }

    private static var checksAlways: Bool {
        #if DEBUG
        true
        #else
        false
        #endif
    }
}

extension Graph {
    /// Lets a node do the work of the one whose only reader it is, besides its own.
    ///
    /// - Parameters:
    ///   - node: The one before, which nobody reads any more.
    ///   - next: The index of the one that does both now: it keeps its place and its outputs, and takes the other's name.
    /// - Throws: `GraphError` if the inputs do not fit.
    mutating func fuse(_ node: Node, into next: Int, as op: any Operator, inputs: [ValueID]) throws {
        try replaceNode(next, with: op, inputs: inputs, name: node.name)
    }
}
