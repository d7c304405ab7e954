// SPDX-License-Identifier: MIT

import Kernels
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite("EfficientNet against PyTorch")
struct EfficientNetTests {
    @Test(
        "all variants of both families give PyTorch's logits",
        arguments: try Golden.all(prefix: "efficientnet-"), KernelTable.available)
    func networkMatches(golden: Golden, kernels: KernelTable) throws {
        let variant = try #require(Int(golden.text("variant").dropFirst()))
        // The larger variants take seconds on the portable level, and have no kernel that the smaller lack.
        guard variant <= 2 || kernels.name == KernelTable.available.first?.name else { return }
        let family = try #require(EfficientNetConfiguration.Family(rawValue: golden.text("family")))
        let architecture = Architecture.efficientNet(
            EfficientNetConfiguration(variant: variant, family: family, classes: try golden.numbers("classes")[0]))
        let weights = try syntheticWeights(for: architecture, gain: #require(Double(golden.text("gain"))))
        let size = try golden.numbers("size")[0]
        let plan = try makePlan(architecture.makeNetwork(weights), input: [3, size, size], kernels: kernels)
        let logits = try Session(plan).run(syntheticPictures(count: 2, size: size)).floats()
        let expected = try golden.tensor("logits").values
        expectClose(logits, expected, .network, "\(golden) on \(kernels)")
        for first in stride(from: 0, to: expected.count, by: 7) {
            #expect(largest(logits[first..<(first + 7)]) == largest(expected[first..<(first + 7)]))
        }
    }

    @Test("a block gives PyTorch's values", arguments: try Golden.all(prefix: "mbconv-"), KernelTable.available)
    func blockMatches(golden: Golden, kernels: KernelTable) throws {
        let family = try #require(EfficientNetConfiguration.Family(rawValue: golden.text("family")))
        let configuration = EfficientNetConfiguration(variant: 0, family: family, classes: 2)
        let sizes = MBConvBlock.Configuration(
            inChannels: try golden.numbers("input_filters")[0], outChannels: try golden.numbers("output_filters")[0],
            expansion: try golden.numbers("expand_ratio")[0], kernel: try golden.numbers("kernel_size")[0],
            stride: try golden.numbers("stride")[0])
        let weights = try StateDict(
            golden.tensorNames.filter { $0 != "input" && $0 != "output" }.map { name in
                let values = try golden.tensor(name)
                return ("_blocks.0.\(name)", Tensor(values.values, shape: Shape(values.shape)))
            })
        let parts = EfficientNetParts(configuration: configuration, weights: weights)
        let block = try parts.block(sizes, weights["_blocks.0"])
        let input = try golden.tensor("input")
        let plan = try Plan(Sequential(block), input: Shape(Array(input.shape.dropFirst())), kernels: kernels)
        for threads in [1, 2] {
            let session = try Session(plan, threads: threads, leastSharedWork: 0)
            let result = try session.run(Tensor(input.values, shape: Shape(input.shape)))
            expectClose(result.floats(), try golden.tensor("output").values, .accumulated, "\(golden) on \(kernels)")
        }
    }

    private func largest(_ values: ArraySlice<Float>) -> Int? {
        values.indices.max { values[$0] < values[$1] }.map { $0 - values.startIndex }
    }

    private func makePlan(_ network: any Network, input: Shape, kernels: KernelTable) throws -> Plan {
        try Plan(network, input: input, kernels: kernels)
    }
}
