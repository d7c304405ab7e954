// SPDX-License-Identifier: MIT

import Kernels
import Layers
import Tensors
import TestSupport
import Testing

/// Every layer against PyTorch's own results, on each instruction set that this processor has.
@Suite("Layers against PyTorch")
struct LayerGoldenTests {
    @Test("there are goldens for every layer")
    func goldensAreComplete() throws {
        let layers = Set(try Golden.all().map { try $0.text("layer") })
        let expected: Set = [
            "Conv2d", "BatchNorm2d", "Linear", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "ReLU", "ReLU6", "SiLU",
            "Sigmoid", "Tanh", "Hardswish", "GELU", "Softmax", "LogSoftmax", "Flatten", "add",
        ]
        #expect(layers == expected)
    }

    @Test(
        "a layer answers as PyTorch's does", arguments: try Golden.all().filter { $0.name != "residual-add" },
        KernelTable.available)
    func layerMatches(golden: Golden, kernels: KernelTable) throws {
        let network = try GoldenNetwork(golden)
        let input = try golden.tensor("input")
        let plan = try Plan(network, input: Shape(Array(input.shape.dropFirst())), kernels: kernels)
        let expected = try golden.tensor("output")
        for threads in [1, 3] {
            let session = try Session(plan, threads: threads, leastSharedWork: 0)
            let result = try session.run(Tensor(input.values, shape: Shape(input.shape)))
            #expect(result.shape.dimensions == expected.shape)
            expectClose(result.floats(), expected.values, network.tolerance, "\(golden) on \(kernels.name)")
        }
    }
}

extension Golden {
    /// The weights that follow the input in the file.
    fileprivate func stateDict() throws -> StateDict {
        let names = ["weight", "bias", "running_mean", "running_var"].filter(has)
        return try StateDict(
            names.map { name in
                let values = try tensor(name)
                return (name, Tensor(values.values, shape: Shape(values.shape)))
            })
    }

    fileprivate func size(_ key: String) throws -> Size2d {
        let numbers = try numbers(key)
        return try Size2d(height: #require(numbers.first), width: #require(numbers.last))
    }

    /// PyTorch pads the last dimension first: left, right, top, bottom.
    fileprivate func padding() throws -> Padding {
        let sides = try numbers("padding")
        try #require(sides.count == 4)
        return .sides(top: sides[2], bottom: sides[3], left: sides[0], right: sides[1])
    }
}

/// A residual connection, of which the golden gives both operands as one stack of channels.
@Suite("Residual addition against PyTorch")
struct ResidualGoldenTests {
    @Test("a sum is PyTorch's sum", arguments: KernelTable.available)
    func sumMatches(kernels: KernelTable) throws {
        let golden = try #require(try Golden.all(prefix: "residual-add").first)
        let (input, residual) = (try golden.tensor("input"), try golden.tensor("residual"))
        let (batch, channels) = (input.shape[0], input.shape[1])
        let pixels = input.shape[2] * input.shape[3]
        var stacked: [Float] = []
        for image in 0..<batch {
            let range = (image * channels * pixels)..<((image + 1) * channels * pixels)
            stacked += input.values[range] + residual.values[range]
        }
        let network = try HalvesAdded(channels: channels)
        let plan = try Plan(network, input: [2 * channels, input.shape[2], input.shape[3]], kernels: kernels)
        let shape: Shape = [batch, 2 * channels, input.shape[2], input.shape[3]]
        let result = try Session(plan).run(Tensor(stacked, shape: shape))
        expectClose(result.floats(), try golden.tensor("output").values, .exact, "on \(kernels.name)")
    }

    /// Picks the two halves of the channels with 1x1 convolutions of ones and zeros, and adds them.
    private struct HalvesAdded: Network {
        let first: Conv2d
        let second: Conv2d

        init(channels: Int) throws {
            func half(_ offset: Int) throws -> Conv2d {
                let weight = Tensor(shape: [channels, 2 * channels, 1, 1]) { values in
                    for channel in 0..<channels { values[channel * 2 * channels + channel + offset] = 1 }
                }
                return try Conv2d(
                    2 * channels, channels, kernelSize: 1, bias: false, weights: StateDict([("weight", weight)]))
            }
            first = try half(0)
            second = try half(channels)
        }

        func forward(_ input: Value) -> Value { first(input) + second(input) }
    }
}

/// The one layer that a golden's header describes.
private struct GoldenNetwork: Network {
    let layer: any Layer
    let tolerance: Tolerance

    init(_ golden: Golden) throws {
        let weights = try golden.stateDict()
        let sums: Set = ["Conv2d", "Linear", "AvgPool2d", "AdaptiveAvgPool2d"]
        tolerance = sums.contains(try golden.text("layer")) ? .accumulated : .elementwise
        switch try golden.text("layer") {
        case "Conv2d":
            let shape = try golden.tensor("weight").shape
            let groups = try golden.numbers("groups")[0]
            layer = try Conv2d(
                shape[1] * groups, shape[0], kernelSize: golden.size("kernel_size"), stride: golden.size("stride"),
                padding: golden.padding(), dilation: golden.size("dilation"), groups: groups,
                bias: golden.has("bias"), weights: weights)
        case "BatchNorm2d":
            let eps = try #require(Float(golden.text("eps")))
            layer = try BatchNorm2d(golden.tensor("weight").shape[0], eps: eps, weights: weights)
        case "Linear":
            let shape = try golden.tensor("weight").shape
            layer = try Linear(shape[1], shape[0], bias: golden.has("bias"), weights: weights)
        case "MaxPool2d":
            layer = MaxPool2d(
                try golden.size("kernel_size"), stride: try golden.size("stride"), padding: try golden.padding(),
                dilation: try golden.size("dilation"), ceilMode: try golden.text("ceil_mode") == "true")
        case "AvgPool2d":
            layer = AvgPool2d(
                try golden.size("kernel_size"), stride: try golden.size("stride"), padding: try golden.padding(),
                ceilMode: try golden.text("ceil_mode") == "true",
                countIncludePad: try golden.text("count_include_pad") == "true")
        case "AdaptiveAvgPool2d": layer = AdaptiveAvgPool2d(try golden.size("output_size"))
        case "ReLU": layer = ReLU()
        case "ReLU6": layer = ReLU6()
        case "SiLU": layer = SiLU()
        case "Sigmoid": layer = Sigmoid()
        case "Tanh": layer = Tanh()
        case "Hardswish": layer = HardSwish()
        case "GELU": layer = GELU(approximate: try golden.text("approximate") == "tanh" ? .tanh : .none)
        case "Softmax": layer = Softmax()
        case "LogSoftmax": layer = LogSoftmax()
        case "Flatten": layer = Flatten()
        case let other: throw GoldenError(path: golden.name, reason: "describes the unknown layer '\(other)'")
        }
    }

    func forward(_ input: Value) -> Value { layer(input) }
}
