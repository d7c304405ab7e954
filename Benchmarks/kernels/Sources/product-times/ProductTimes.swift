// SPDX-License-Identifier: MIT

import BLAS
import Glibc
import Kernels
import SwiftNet

// Times networks with the portable kernels on one thread, by turns with the packed kernel's products of matrices and with
// OpenBLAS's: the processor's time of the thread, so that other work on the machine counts less.
//
//     swift run -c release --package-path Benchmarks/kernels product-times [SECONDS] [WEIGHTS]
//
// WEIGHTS is the folder of the model repository, by default ./Weights.

@main
enum ProductTimes {
    static func main() throws {
        let arguments = CommandLine.arguments
        let seconds = arguments.count > 1 ? Double(arguments[1]) ?? 10 : 10
        let weights = arguments.count > 2 ? arguments[2] : "Weights"
        func shipped(_ model: String, version: Int) throws -> any Network {
            let weights = try Checkpoint.open(path: "\(weights)/\(model)/\(version)/model.pth").stateDict
            return try Architecture.recognised(in: weights).makeNetwork(weights)
        }
        try compare(
            "EfficientNet-B0, batch 1", shipped("rotation", version: 2), input: [3, 224, 224], batch: 1,
            seconds: seconds)
        try compare(
            "MNIST CNN, batch 32", shipped("mnist", version: 1), input: [1, 28, 28], batch: 32, seconds: seconds)
        try compare("MNIST CNN, batch 1", shipped("mnist", version: 1), input: [1, 28, 28], batch: 1, seconds: seconds)
        try compare("ResNet-50, batch 1", ResNet50(RandomWeights()), input: [3, 224, 224], batch: 1, seconds: seconds)
    }

    private static func compare(
        _ name: String, _ network: any Network, input shape: Shape, batch: Int, seconds: Double
    ) throws {
        guard let portable = KernelTable.available.last else { return }
        let choices: [MatrixProducts] = [
            .packed(because: "of the comparison"), try .selection(isVectorLevel: portable.isVectorLevel),
        ]
        let plans = try choices.map { try Plan(network, input: shape, kernels: portable, products: $0) }
        let sessions = try plans.map { try Session($0) }
        let input = Tensor(
            (0..<batch * shape.elementCount).map { Float($0 % 251) / 125 - 1 },
            shape: Shape([batch] + shape.dimensions))
        let answers = try sessions.map { try $0.run(input).floats() }
        let difference = zip(answers[0], answers[1]).map { abs($0 - $1) }.max() ?? 0
        let largest = answers[0].map { abs($0) }.max() ?? 1
        var times: [[Double]] = [[], []]
        let end = threadSeconds() + seconds
        while threadSeconds() < end || times[1].count < 5 {
            for index in sessions.indices {
                let start = threadSeconds()
                _ = try sessions[index].run(input)
                times[index].append((threadSeconds() - start) * 1000)
            }
        }
        let sorted = times.map { $0.sorted() }
        print(name)
        for (plan, times) in zip(plans, sorted) {
            print("    least \(times[0]) ms, median \(times[times.count / 2]) ms of \(times.count): \(plan.products)")
        }
        let middle = sorted[0].count / 2
        print(
            "    ratio of the least \(sorted[0][0] / sorted[1][0]), of the medians \(sorted[0][middle] / sorted[1][middle]);",
            "logits differ by \(difference / largest) of the largest")
        let algorithms = Dictionary(grouping: plans[1].summaries, by: \.algorithm).mapValues(\.count)
        print("    " + algorithms.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// Weights as training begins with: large enough that values neither vanish nor grow.
struct RandomWeights {
    private var state: UInt32 = 1

    private mutating func values(_ count: Int, scale: Float) -> [Float] {
        (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int32(bitPattern: state) >> 8) / Float(1 << 23) * scale
        }
    }

    mutating func convolution(_ inputs: Int, _ outputs: Int, _ kernel: Int, stride: Int = 1) throws -> Conv2d {
        let depth = inputs * kernel * kernel
        let weight = Tensor(
            values(outputs * depth, scale: (6 / Float(depth)).squareRoot()), shape: [outputs, inputs, kernel, kernel])
        return try Conv2d(
            inputs, outputs, kernelSize: Size2d(integerLiteral: kernel), stride: Size2d(integerLiteral: stride),
            padding: Padding(integerLiteral: kernel / 2),
            weights: StateDict([
                ("weight", weight), ("bias", Tensor(values(outputs, scale: 0.1), shape: [outputs])),
            ]))
    }

    mutating func linear(_ inputs: Int, _ outputs: Int) throws -> Linear {
        try Linear(
            inputs, outputs,
            weights: StateDict([
                ("weight", Tensor(values(inputs * outputs, scale: 0.03), shape: [outputs, inputs])),
                ("bias", Tensor(values(outputs, scale: 0.1), shape: [outputs])),
            ]))
    }
}

/// He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", with the strides of torchvision's.
struct ResNet50: Network {
    let stem: Conv2d
    let blocks: [Bottleneck]
    let head: Linear

    init(_ random: RandomWeights) throws {
        var random = random
        stem = try random.convolution(3, 64, 7, stride: 2)
        var blocks: [Bottleneck] = []
        var channels = 64
        for (stage, count) in [3, 4, 6, 3].enumerated() {
            for index in 0..<count {
                let width = 64 << stage
                blocks.append(
                    try Bottleneck(channels, width: width, stride: index == 0 && stage > 0 ? 2 : 1, &random))
                channels = 4 * width
            }
        }
        self.blocks = blocks
        head = try random.linear(channels, 1000)
    }

    func forward(_ input: Value) -> Value {
        var x = MaxPool2d(3, stride: 2, padding: 1)(ReLU()(stem(input)))
        for block in blocks { x = block(x) }
        return head(Flatten()(AdaptiveAvgPool2d(1)(x)))
    }
}

/// 1x1, 3x3, 1x1 beside a shortcut.
struct Bottleneck: Layer {
    let convolutions: [Conv2d]
    let shortcut: Conv2d?

    init(_ channels: Int, width: Int, stride: Int, _ random: inout RandomWeights) throws {
        convolutions = [
            try random.convolution(channels, width, 1), try random.convolution(width, width, 3, stride: stride),
            try random.convolution(width, 4 * width, 1),
        ]
        shortcut =
            channels == 4 * width && stride == 1 ? nil : try random.convolution(channels, 4 * width, 1, stride: stride)
    }

    func callAsFunction(_ input: Value) -> Value {
        let narrow = ReLU()(convolutions[0](input))
        let wide = convolutions[2](ReLU()(convolutions[1](narrow)))
        return ReLU()(wide + (shortcut.map { $0(input) } ?? input))
    }
}
