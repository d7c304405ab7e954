// SPDX-License-Identifier: MIT

import BLAS
import Graphs
import Kernels
@_exported import Runtime
import Tensors

extension Graph {
    /// Records a network's wiring for a batch of one.
    ///
    /// - Parameters:
    ///   - input: Shape of one input without the batch, for example `[3, 224, 224]`.
    ///   - allowUnused: Weights that no layer needs to read.
    /// - Throws: `WiringError` if layers do not fit together; `TensorError.unusedTensors` if the state dict that they were made from
    ///   has weights that none of them reads.
    public init(_ network: some Network, input: Shape, allowUnused: UnusedWeights = []) throws {
        let wiring = Wiring()
        let value = Layers.Value(
            wiring: wiring,
            id: wiring.graph.addInput("input", Fact(.float32, try Shape(checking: [1] + input.dimensions))))
        let result = network.forward(value)
        guard result.wiring === wiring else {
            throw WiringError(layer: "output", reason: "is a value of another network's wiring")
        }
        if let mistake = wiring.mistake { throw mistake }
        try wiring.checkReads(allowing: allowUnused)
        self = wiring.graph
        outputs = [result.id]
    }
}

extension Plan {
    /// Wires a network for inputs of one shape, folds and packs its weights.
    ///
    /// - Parameters:
    ///   - input: Shape of one input without the batch, for example `[3, 224, 224]`.
    ///   - kernels: The instruction set to use; by default the widest that the processor has, or what `SWIFTNET_ISA` names.
    ///   - products: Whose products of matrices to take; by default OpenBLAS's at the portable level, where they are faster, or
    ///     those that `SWIFTNET_GEMM` names.
    ///   - weights: Weights that were prepared before for the same network, shape and kernels, if there are any: then the
    ///     network's own are not read.
    ///   - other: A plan of the same layers for another size of the input: what it has packed is not packed again.
    ///   - allowUnused: Weights of the network's state dict that no layer needs to read.
    /// - Throws: `WiringError` if layers do not fit together, `TensorError.unusedTensors` if the state dict has weights that no layer
    ///   reads, `TensorError.notFinite` if weights hold NaN or infinities, `KernelError` or `MatrixProductsError` if `SWIFTNET_ISA` or `SWIFTNET_GEMM` names what can't be had.
    public convenience init(
        _ network: some Network, input: Shape, kernels: KernelTable? = nil, products: MatrixProducts? = nil,
        weights: PreparedWeights? = nil, sharing other: Plan? = nil, allowUnused: UnusedWeights = []
    ) throws {
        try self.init(
            Graph(network, input: input, allowUnused: allowUnused), kernels: kernels, products: products,
            weights: weights, sharing: other)
    }
}
