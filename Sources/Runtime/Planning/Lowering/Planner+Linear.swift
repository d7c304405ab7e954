// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Tensors

extension Planner {
    /// A product of rows with constant weights. The weights are reordered if the row is an image that is not flattened.
    ///
    /// - Throws: `PlanError.unsuitedAlgorithm`.
    mutating func lowerLinear(_ linear: FusedLinear, _ node: Graph.Node) throws {
        let matrix = shape(node.inputs[1])
        let (n, k) = linear.hasTransposedWeight ? (matrix[1], matrix[0]) : (matrix[0], matrix[1])
        let rows = shape(node.outputs[0]).elementCount / max(1, n)
        let candidates = linearCandidates(linear, node, rows: rows, n: n, k: k)
        let wanted = forced[node.name] ?? candidates[0].algorithm
        guard candidates.contains(where: { $0.algorithm == wanted }) else {
            throw PlanError.unsuitedAlgorithm(
                node: node.name, algorithm: wanted, suited: candidates.map(\.algorithm))
        }
        defer { drafts[drafts.count - 1].summary.candidates = candidates }
        if wanted == LibraryGemm.name { return lowerLinearByLibrary(linear, node, rows: rows, n: n, k: k) }
        let kernels = kernels
        let packedCount = kernels.gemm.packedCount(n, k)
        let image = linear.flattensImage ? fact(node.inputs[0]) : nil
        let (weight, lastPanel) = reserveMatrix(node.inputs[1], linear, rows: rows, n: n, k: k, image: image)
        let bias = linear.hasBias ? reserveVector(node.inputs[2]) : nil
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        let residual = linear.hasResidual ? resolved(node.inputs[node.inputs.count - 1]) : nil
        let order = order
        if rows > 1 { order.products.append(weight) }
        append(
            Draft(
                summary: summary(
                    node, operation: (["linear"] + linear.fusedNames).joined(separator: " + "),
                    algorithm: PackedGemm.name,
                    reason: image?.isReorderedByFlattening == true
                        ? "flatten folded into the weights" : "a matrix product",
                    multiplyAdds: rows * n * k, weightFloats: packedCount),
                reads: [input] + [residual].compactMap(\.self), writes: [output],
                isRowwise: rows == 1 && fact(node.outputs[0]).isRow,
                make: { slot in
                    GemmStep(
                        output: slot(output), input: slot(input), weight: weight,
                        epilogue: StepEpilogue(
                            bias: bias, residual: residual.map(slot), activation: linear.activation),
                        pixels: rows, n: n, k: k, packedCount: packedCount, lastPanel: lastPanel,
                        following: rows > 1 ? order.following(weight + packedCount * 4) : 0..<0)
                }))
    }

    /// The algorithms that suit a product, cheapest first, or OpenBLAS's where it is asked for. A single row for each input stays with
    /// the packed kernel: OpenBLAS would copy all weights for it, and might round it in a batch in another way than by itself.
    private func linearCandidates(
        _ linear: FusedLinear, _ node: Graph.Node, rows: Int, n: Int, k: Int
    ) -> [StepSummary.Candidate] {
        func candidate(_ algorithm: String, _ cost: Double) -> StepSummary.Candidate {
            .init(node: node.name, algorithm: algorithm, nanoseconds: machine.nanoseconds(multiplyAdds: cost))
        }
        let packed = candidate(PackedGemm.name, Double(machine.vectors(n) * k * rows))
        guard machine.products.library != nil, rows > 1, n > 0, k > 0, !linear.flattensImage else { return [packed] }
        let calls = ProductBlocks(rows: rows, columns: n, depth: k).rowBlocks
        let library = candidate(LibraryGemm.name, LibraryCosts.product(m: rows, n: n, k: k, calls: calls))
        return machine.products.isForced || library.nanoseconds < packed.nanoseconds
            ? [library, packed] : [packed, library]
    }

    /// Does a product of several rows by OpenBLAS.
    private mutating func lowerLinearByLibrary(
        _ linear: FusedLinear, _ node: Graph.Node, rows: Int, n: Int, k: Int
    ) {
        guard let library = machine.products.library else { preconditionFailure("OpenBLAS was never opened") }
        guard let tensor = graph.constant(node.inputs[1]) else {
            preconditionFailure("a linear layer's weights are not constant")
        }
        let (name, kernels) = (graph[node.inputs[1]].name, kernels)
        let packing = Packing(linear.hasTransposedWeight ? "as it is" : "transposed")
        let weight = weights.reserve(n * k, from: [tensor], packing: packing) { matrix in
            if linear.hasTransposedWeight {
                try tensor.copyFiniteFloats(name: name, to: matrix)
            } else {
                try MatrixSource(name: name, tensor: tensor, rows: n, kernels: kernels).forEachBlock(
                    of: 0..<n, multiple: 16
                ) {
                    kernels.move.transpose(matrix + $0.lowerBound, n, $1, k, $0.count, k)
                }
            }
        }
        let bias = linear.hasBias ? reserveVector(node.inputs[2]) : nil
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        let residual = linear.hasResidual ? resolved(node.inputs[node.inputs.count - 1]) : nil
        let summary = summary(
            node, operation: (["linear"] + linear.fusedNames).joined(separator: " + "), algorithm: LibraryGemm.name,
            reason: "a matrix product", multiplyAdds: rows * n * k, weightFloats: n * k)
        append(
            Draft(
                summary: summary, reads: [input] + [residual].compactMap(\.self), writes: [output],
                make: { slot in
                    LibraryGemmStep(
                        product: LibraryProduct(
                            library: library, weight: weight,
                            epilogue: StepEpilogue(
                                bias: bias, residual: residual.map(slot), activation: linear.activation), n: n, k: k),
                        output: slot(output), input: slot(input), scale: nil, pixels: rows, linePixels: rows)
                }))
    }

    private mutating func reserveMatrix(
        _ id: Graph.ValueID, _ linear: FusedLinear, rows: Int, n: Int, k: Int, image: Fact?
    ) -> (offset: Int, lastPanel: LastPanel) {
        let kernels = kernels
        guard let tensor = graph.constant(id) else { preconditionFailure("a linear layer's weights are not constant") }
        var matrix = MatrixSource(name: graph[id].name, tensor: tensor, rows: n, kernels: kernels)
        matrix.isTransposed = linear.hasTransposedWeight
        if let image, image.isReorderedByFlattening { matrix.pixels = image.shape[2] * image.shape[3] }
        let source = matrix
        let lastPanels = kernels.lastPanels(rows: rows, n, k)
        let packings = lastPanels.map {
            Packing(
                "panels, the last one \($0.rawValue), rows of \(source.pixels)"
                    + (source.isTransposed ? ", transposed" : ""))
        }
        let packing = packing(of: [tensor], packings)
        let lastPanel = lastPanels[packings.firstIndex(of: packing) ?? 0]
        let offset = weights.reserve(
            kernels.gemm.packedCount(n, k), of: Float.self, from: [tensor], packing: packing,
            writes: source.packs(lastPanel: lastPanel))
        return (offset, lastPanel)
    }

    /// Numbers that are read as they are.
    mutating func reserveVector(_ id: Graph.ValueID) -> Int {
        guard let tensor = graph.constant(id) else { preconditionFailure("'\(graph[id].name)' is not constant") }
        let name = graph[id].name
        return weights.reserve(tensor.elementCount, from: [tensor], packing: .plain) { output in
            try tensor.copyFiniteFloats(name: name, to: output)
        }
    }
}

extension Fact {
    /// Whether an image's numbers stand in another sequence than those of the vector that it is flattened to.
    var isReorderedByFlattening: Bool {
        !order.isEquivalent(to: .rowMajor(rank: shape.rank), dimensions: shape.dimensions)
    }
}
