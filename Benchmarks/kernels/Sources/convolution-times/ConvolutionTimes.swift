// SPDX-License-Identifier: MIT

import Foundation
import Layers
import Tensors

// Times single convolutions for Benchmarks/peers/shapes.py, which tells it line by line on standard input what to do:
//
//     convolution BATCH IN HEIGHT WIDTH OUT KERNEL STRIDE PADDING DILATION GROUPS WEIGHTS INPUT OUTPUT
//         reads the files WEIGHTS (weight, then bias) and INPUT of raw 32-bit floats, runs once, writes the answer to OUTPUT,
//         and prints the algorithm
//     time SECONDS
//         runs for so long and prints the median of the runs' milliseconds
//
// One thread; images in PyTorch's order, as the peers take them.

@main
struct ConvolutionTimes {
    static func main() throws {
        var problem: Problem?
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "convolution":
                let made = try Problem(words)
                problem = made
                print(made.algorithm)
            case "time":
                print(try problem?.time(seconds: Double(words[1]) ?? 0.1) ?? 0)
            default:
                throw ProblemError(line: line)
            }
            fflush(nil)
        }
    }
}

struct ProblemError: Error, CustomStringConvertible {
    let line: String
    var description: String { "can't read the line '\(line)'" }
}

/// One convolution, ready to run.
struct Problem {
    let algorithm: String
    private let session: Session
    private let batch: Int
    private let input: [Float]

    init(_ words: [String]) throws {
        let numbers = words[1...10].compactMap { Int($0) }
        guard words.count == 14, numbers.count == 10 else { throw ProblemError(line: words.joined(separator: " ")) }
        let (channels, height, width, outputs, kernel) = (numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
        let (stride, padding, dilation, groups) = (numbers[6], numbers[7], numbers[8], numbers[9])
        batch = numbers[0]
        let parameters = try floats(words[11])
        let weightCount = outputs * channels / groups * kernel * kernel
        let weights = try StateDict([
            (
                "conv.weight",
                Tensor(Array(parameters[..<weightCount]), shape: [outputs, channels / groups, kernel, kernel])
            ),
            ("conv.bias", Tensor(Array(parameters[weightCount...]), shape: [outputs])),
        ])
        let layer = try Conv2d(
            channels, outputs, kernelSize: Size2d(integerLiteral: kernel), stride: Size2d(integerLiteral: stride),
            padding: Padding(integerLiteral: padding), dilation: Size2d(integerLiteral: dilation), groups: groups,
            weights: weights["conv"])
        let plan = try Plan(Sequential(layer), input: [channels, height, width])
        session = try Session(plan)
        algorithm = plan.summaries[0].algorithm
        input = try floats(words[12])
        let answer = try session.run(Tensor(input, shape: [batch, channels, height, width])).floats()
        try answer.withUnsafeBytes { try Data($0).write(to: URL(filePath: words[13])) }
    }

    func time(seconds: Double) -> Double {
        var output = [Float](repeating: 0, count: batch * session.plan.outputShape.elementCount)
        var times: [Double] = []
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var before = clock.now
        while before < end || times.count < 3 {
            input.withUnsafeBufferPointer { input in
                output.withUnsafeMutableBufferPointer {
                    session.run(input, count: batch, layout: .channelsFirst, output: $0)
                }
            }
            let after = clock.now
            times.append((after - before) / .milliseconds(1))
            before = after
        }
        return times.sorted()[times.count / 2]
    }
}

private func floats(_ path: String) throws -> [Float] {
    try Data(contentsOf: URL(filePath: path)).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
}
