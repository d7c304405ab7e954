// SPDX-License-Identifier: MIT

import Foundation
import Layers
import Tensors

// Times convolutions for Benchmarks/peers/shapes.py, which tells it line by line on standard input what to do:
//
//     convolution BATCH OUTER IN HEIGHT WIDTH OUT KERNEL STRIDE PADDING DILATION GROUPS WEIGHTS INPUT OUTPUT
//         reads the files WEIGHTS (of three convolutions, each weight, then bias) and INPUT of raw 32-bit floats; runs once a 1x1
//         convolution from OUTER to IN channels, the one described, and a 1x1 one back to OUTER, with ReLU between them; writes the
//         answer to OUTPUT, and prints the algorithm of the one between
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
                print(problem?.time(seconds: Double(words[1]) ?? 0.1) ?? 0)
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

/// One convolution between two of 1x1, ready to run.
struct Problem {
    let algorithm: String
    private let session: Session
    private let batch: Int
    private let input: [Float]

    init(_ words: [String]) throws {
        guard words.count == 15 else { throw ProblemError(line: words.joined(separator: " ")) }
        let numbers = words[1...11].compactMap { Int($0) }
        guard numbers.count == 11 else { throw ProblemError(line: words.joined(separator: " ")) }
        let (outer, channels, height, width) = (numbers[1], numbers[2], numbers[3], numbers[4])
        let (outputs, kernel, stride, padding) = (numbers[5], numbers[6], numbers[7], numbers[8])
        let (dilation, groups) = (numbers[9], numbers[10])
        batch = numbers[0]
        var parameters = try floats(words[12])[...]
        let before = try Conv2d(outer, channels, kernelSize: 1, weights: take(&parameters, outer, channels, kernel: 1))
        let middle = try Conv2d(
            channels, outputs, kernelSize: Size2d(integerLiteral: kernel), stride: Size2d(integerLiteral: stride),
            padding: Padding(integerLiteral: padding), dilation: Size2d(integerLiteral: dilation), groups: groups,
            weights: take(&parameters, channels / groups, outputs, kernel: kernel))
        let after = try Conv2d(outputs, outer, kernelSize: 1, weights: take(&parameters, outputs, outer, kernel: 1))
        let plan = try Plan(
            Sequential(before, ReLU(), middle, ReLU(), after), input: [outer, height, width])
        session = try Session(plan)
        // A depthwise one may be one step with the one before it.
        let convolutions = plan.summaries.filter { $0.operation.contains("conv2d") }
        algorithm = convolutions[convolutions.count == 3 ? 1 : 0].algorithm
        input = try floats(words[13])
        let answer = try session.run(Tensor(input, shape: [batch, outer, height, width])).floats()
        try answer.withUnsafeBytes { try Data($0).write(to: URL(filePath: words[14])) }
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

/// The next convolution's weight and bias.
private func take(
    _ parameters: inout ArraySlice<Float>, _ inputs: Int, _ outputs: Int, kernel: Int
) throws -> StateDict {
    let count = outputs * inputs * kernel * kernel
    let weight = Tensor(Array(parameters.prefix(count)), shape: [outputs, inputs, kernel, kernel])
    parameters = parameters.dropFirst(count)
    let bias = Tensor(Array(parameters.prefix(outputs)), shape: [outputs])
    parameters = parameters.dropFirst(outputs)
    return try StateDict([("weight", weight), ("bias", bias)])
}

private func floats(_ path: String) throws -> [Float] {
    try Data(contentsOf: URL(filePath: path)).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
}
