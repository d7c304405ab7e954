// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Tensors

/// An algorithm for convolutions: when it suits, what it costs, and the step that it makes.
protocol ConvolutionAlgorithm: Sendable {
    /// What people call it with, and summaries say.
    static var name: String { get }

    /// Whether OpenBLAS does its products.
    static var usesLibrary: Bool { get }

    /// Whether its step multiplies the input's channels by the factors of `hasScale`. Not unless it says so.
    static var scalesInput: Bool { get }

    /// Whether its step writes the sums of `hasRowSums`. Not unless it says so.
    static var sumsRows: Bool { get }

    /// Whether it gives right answers for this convolution, what those two say aside.
    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool

    /// Vectors multiplied and added for one input, and what takes as long.
    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double

    /// How the filters can be packed for it, the best for this problem first. What it can read depends on the filters only, so that
    /// plans for several sizes of the input share it; but the runs of groups are shorter where no window reaches beyond the image.
    static func packings(_ problem: ConvolutionProblem, _ kernels: KernelTable) -> [Packing]

    /// Reserves the weights and appends the step.
    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner)
}

extension ConvolutionAlgorithm {
    static var usesLibrary: Bool { false }
    static var scalesInput: Bool { false }
    static var sumsRows: Bool { false }

    /// Whether it gives right answers for this convolution and all that is fused into it.
    static func suitsAll(of problem: ConvolutionProblem, _ machine: Machine) -> Bool {
        (scalesInput || !problem.op.hasScale) && (sumsRows || !problem.op.hasRowSums) && suits(problem, machine)
    }
}

/// An algorithm with its estimate, for a convolution that it suits.
struct ConvolutionCandidate {
    let algorithm: any ConvolutionAlgorithm.Type
    let nanoseconds: Double
}

extension Planner {
    /// All algorithms for convolutions.
    static let convolutionAlgorithms: [any ConvolutionAlgorithm.Type] = [
        Depthwise.self, PackedGemm.self, ImplicitGemm.self, DotProducts.self, Channelwise.self, Winograd.self,
        LibraryGemm.self, LibraryWindows.self, LibraryWinograd.self,
    ]

    /// The algorithms that suit a convolution, cheapest first; where OpenBLAS is asked for, those that use it come before the
    /// others, then those that read what a plan for another size has packed.
    func candidates(_ problem: ConvolutionProblem) -> [ConvolutionCandidate] {
        Self.convolutionAlgorithms
            .filter { $0.suitsAll(of: problem, machine) }
            .map {
                ConvolutionCandidate(
                    algorithm: $0, nanoseconds: machine.nanoseconds(multiplyAdds: $0.cost(problem, machine)))
            }
            .sorted { first, second in
                let (isFirst, isSecond) = (first.algorithm.usesLibrary, second.algorithm.usesLibrary)
                if machine.products.isForced && isFirst != isSecond { return isFirst }
                let (isShared, isOtherShared) = (shares(first.algorithm, problem), shares(second.algorithm, problem))
                if isShared != isOtherShared { return isShared }
                return first.nanoseconds < second.nanoseconds
            }
    }

    /// Whether a plan for another size has packed a convolution's filters as an algorithm reads them.
    private func shares(_ algorithm: any ConvolutionAlgorithm.Type, _ problem: ConvolutionProblem) -> Bool {
        weights.isSharing
            && algorithm.packings(problem, kernels).contains { weights.shares(problem.weights.constants, packing: $0) }
    }

    /// Of several packings of the same constants the one that is there, or the first.
    func packing(of constants: [Tensor], _ packings: [Packing]) -> Packing {
        packings.first { weights.shares(constants, packing: $0) } ?? packings[0]
    }

    /// Does a convolution by the cheapest algorithm, or the one that was asked for.
    ///
    /// - Throws: `PlanError.unsuitedAlgorithm`.
    mutating func lowerConvolution(_ op: FusedConvolution, _ node: Graph.Node) throws {
        let problem = ConvolutionProblem(op, node, in: graph)
        let candidates = candidates(problem)
        var chosen = candidates.first
        if let wanted = forced[node.name] {
            chosen = candidates.first { $0.algorithm.name == wanted }
            guard chosen != nil else {
                throw PlanError.unsuitedAlgorithm(
                    node: node.name, algorithm: wanted, suited: candidates.map { $0.algorithm.name })
            }
        }
        guard let chosen else { preconditionFailure("no algorithm for convolution '\(node.name)'") }
        let algorithm = chosen.algorithm
        algorithm.lower(problem, &self)
        drafts[drafts.count - 1].summary.candidates += candidates.map {
            StepSummary.Candidate(node: node.name, algorithm: $0.algorithm.name, nanoseconds: $0.nanoseconds)
        }
    }

    /// Describes a convolution's step.
    func summary(
        _ problem: ConvolutionProblem, algorithm: String, reason: String, executedMultiplyAdds: Int? = nil
    ) -> StepSummary {
        summary(
            problem.node, operation: problem.operation, algorithm: algorithm, reason: reason,
            multiplyAdds: problem.multiplyAdds, executedMultiplyAdds: executedMultiplyAdds,
            weightFloats: problem.outChannels * problem.inputsOfGroup * problem.taps)
    }

    /// Reserves the biases.
    ///
    /// - Parameter copies: How often they are written, one time behind the other.
    mutating func reserveBias(_ problem: ConvolutionProblem, copies: Int = 1) -> Int? {
        guard problem.weights.hasBias else { return nil }
        let (source, count) = (problem.weights, problem.outChannels)
        let packing = problem.packing("bias, \(copies) times")
        return weights.reserve(count * copies, from: source.constants, packing: packing) { output in
            for (index, value) in try source.foldedBias().enumerated() {
                for copy in 0..<copies { output[copy * count + index] = value }
            }
        }
    }
}
