// SPDX-License-Identifier: MIT

import Checkpoints
import Kernels
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("The rotation network against PyTorch")
struct RotationNetworkTests {
    @Test("the committed weights give PyTorch's logits on every level", arguments: KernelTable.available)
    func logitsMatch(kernels: KernelTable) throws {
        let golden = try #require(try Golden.all(prefix: "rotation").first)
        let weights = try Checkpoint.open(path: newestWeights(of: "rotation")).stateDict
        let network = try Architecture.recognised(in: weights).makeNetwork(weights)
        let size = try golden.numbers("size")[0]
        let plan = try Plan(network, input: [3, size, size], kernels: kernels)
        let expected = try golden.tensor("logits")
        let pictures = syntheticPictures(count: expected.shape[0], size: size)
        let logits = try Session(plan, threads: 2, leastSharedWork: 0).run(pictures).floats()
        expectClose(logits, expected.values, .network, "on \(kernels)")
    }
}
