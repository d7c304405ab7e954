// SPDX-License-Identifier: MIT

import Layers
import Models
import Tensors

// Counts the calls for memory during runs of every network, and prints a line for each way to run it:
//
//     network, images of a batch, threads, layout of the input, allocations in ten runs
//
// The first line is the counter's own proof: ten allocations.

@inline(never) func allocate() -> UnsafeMutableRawPointer { .allocate(byteCount: 100, alignment: 64) }

/// Weights of an architecture, all the same small number.
func flatWeights(_ architecture: Architecture) throws -> StateDict {
    try StateDict(
        architecture.expectedWeights().map { name, shape in
            (name, Tensor([Float](repeating: 0.01, count: shape.elementCount), shape: shape))
        })
}

func allocations(in session: Session, images: Int, layout: Session.Layout) -> Int {
    let plan = session.plan
    let input = [Float](repeating: 0.5, count: images * plan.inputShape.elementCount)
    var output = [Float](repeating: 0, count: images * plan.outputShape.elementCount)
    return input.withUnsafeBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            session.run(input, count: images, layout: layout, output: output)
            return allocations {
                for _ in 0..<10 { session.run(input, count: images, layout: layout, output: output) }
            }
        }
    }
}

print("control", 1, 1, "none", allocations { for _ in 0..<10 { allocate().deallocate() } })

/// A network of one convolution, which may leave images as they are given.
func lonelyConvolution(_ channels: Int, _ outputs: Int, groups: Int) throws -> Sequential {
    let weight: Shape = [outputs, channels / groups, 3, 3]
    let weights = try StateDict([
        ("conv.weight", Tensor([Float](repeating: 0.01, count: weight.elementCount), shape: weight)),
        ("conv.bias", Tensor([Float](repeating: 0.01, count: outputs), shape: [outputs])),
    ])
    return Sequential(
        try Conv2d(
            channels, outputs, kernelSize: 3, stride: 2, padding: 1, groups: groups, weights: weights["conv"]))
}

func printAllocations(_ name: String, _ plan: Plan) throws {
    for threads in [1, 2, 3] {
        let session = try Session(plan, threads: threads, leastSharedWork: 0)
        for images in [1, 5] {
            for (layout, layoutName) in [(Session.Layout.channelsFirst, "NCHW"), (.channelsLast, "NHWC")] {
                print(name, images, threads, layoutName, allocations(in: session, images: images, layout: layout))
            }
        }
    }
}

let efficientNet = EfficientNetConfiguration(variant: 0, family: .torchvision, classes: 4)
for architecture in [Architecture.mnistMLP, .mnistCNN, .efficientNet(efficientNet)] {
    try printAllocations(
        architecture.name,
        Plan(architecture.makeNetwork(flatWeights(architecture)), input: architecture.inputShape))
}
for (channels, outputs, groups) in [(3, 8, 1), (32, 32, 32), (128, 64, 2)] {
    let network = try lonelyConvolution(channels, outputs, groups: groups)
    try printAllocations("conv2d-\(channels)-\(outputs)", Plan(network, input: [channels, 40, 40]))
}
