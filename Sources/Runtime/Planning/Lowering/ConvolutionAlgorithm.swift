// SPDX-License-Identifier: MIT

import Graphs
import Kernels

/// One way to do a convolution: when it suits, what it costs, and the step that it makes.
protocol ConvolutionAlgorithm: Sendable {
    /// What people call it with, and summaries say.
    static var name: String { get }

    /// Whether OpenBLAS does its products.
    static var usesLibrary: Bool { get }

    /// Whether it gives right answers for this convolution.
    static func suits(_ problem: ConvolutionProblem, _ machine: Machine) -> Bool

    /// Vectors multiplied and added for one input, and what takes as long.
    static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double

    /// Reserves the weights and appends the step.
    static func lower(_ problem: ConvolutionProblem, _ planner: inout Planner)
}

extension ConvolutionAlgorithm {
    static var usesLibrary: Bool { false }
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
    /// others.
    func candidates(_ problem: ConvolutionProblem) -> [ConvolutionCandidate] {
        Self.convolutionAlgorithms
            .filter { $0.suits(problem, machine) }
            .map {
                ConvolutionCandidate(
                    algorithm: $0, nanoseconds: machine.nanoseconds(multiplyAdds: $0.cost(problem, machine)))
            }
            .sorted { first, second in
                let (isFirst, isSecond) = (first.algorithm.usesLibrary, second.algorithm.usesLibrary)
                if machine.products.isForced && isFirst != isSecond { return isFirst }
                return first.nanoseconds < second.nanoseconds
            }
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
        let estimates = candidates.map {
            StepSummary.Candidate(algorithm: $0.algorithm.name, nanoseconds: $0.nanoseconds)
        }
        drafts[drafts.count - 1].summary.candidates = estimates
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
        return weights.reserve(count * copies) { output in
            for (index, value) in try source.foldedBias().enumerated() {
                for copy in 0..<copies { output[copy * count + index] = value }
            }
        }
    }
}
