// SPDX-License-Identifier: MIT

import Checkpoints
import Kernels
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("torchvision's networks against PyTorch")
struct TorchvisionTests {
    @Test(
        "state dicts are recognised by their keys and give PyTorch's logits",
        arguments: try Golden.all(prefix: "torchvision-"), KernelTable.available)
    func networkMatches(golden: Golden, kernels: KernelTable) throws {
        let name = try golden.text("name")
        // The larger ones take seconds on the portable level, and have no kernel that the smaller lack.
        guard ["resnet18", "mobilenet_v2"].contains(name) || kernels.name == KernelTable.available.first?.name else {
            return
        }
        let classes = try golden.numbers("classes")[0]
        let expected = try #require(Architecture.named(name, family: "", classes: classes))
        let weights = try syntheticWeights(for: expected, gain: #require(Double(golden.text("gain"))))
        let recognised = try Architecture.recognised(in: weights)
        #expect(recognised.name == name && recognised.classes == classes)
        let size = try golden.numbers("size")[0]
        let plan = try Plan(recognised.makeNetwork(weights), input: [3, size, size], kernels: kernels)
        let logits = try Session(plan).run(syntheticPictures(count: 2, size: size)).floats()
        expectClose(logits, try golden.tensor("logits").values, .network, "\(golden) on \(kernels)")
    }

    @Test("names and shapes of all weights are torchvision's")
    func keysMatch() throws {
        let golden = try #require(Golden.all(prefix: "keys-torchvision").first)
        var text = ""
        for name in try golden.text("names").split(separator: " ") {
            let architecture = try #require(Architecture.named(String(name), family: "", classes: 7))
            for (key, shape) in architecture.expectedWeights().sorted(by: { $0.name < $1.name }) {
                text += "\(name) \(key) \(shape)\n"
            }
        }
        let digest = Array(text.utf8).withUnsafeBytes { SHA256.hexadecimal(of: $0) }
        #expect(digest == (try golden.text("sha256")))
    }
}
