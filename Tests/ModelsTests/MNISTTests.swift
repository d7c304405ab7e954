// SPDX-License-Identifier: MIT

import Checkpoints
import Kernels
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("The digit networks against PyTorch")
struct MNISTTests {
    @Test(
        "the committed weights give PyTorch's logits", arguments: [("mnist", 2), ("mnist-mlp", 1)],
        KernelTable.available)
    func logitsMatch(newest: (model: String, version: Int), kernels: KernelTable) throws {
        let (model, version) = newest
        let golden = try #require(try Golden.all().first { $0.name == model })
        let weights = try Checkpoint.open(path: packageFolder + "/Weights/\(model)/\(version)/model.pth").stateDict
        let network = try Architecture.recognised(in: weights).makeNetwork(weights)
        let plan = try Plan(network, input: [1, 28, 28], kernels: kernels)
        let pixels = try golden.tensor("pixels").values.map { ($0 / 255 - 0.1307) / 0.3081 }
        let logits = try Session(plan).run(Tensor(pixels, shape: [pixels.count / 784, 1, 28, 28])).floats()
        expectClose(logits, try golden.tensor("logits").values, .smallNetwork, "\(model) on \(kernels)")
    }
}
