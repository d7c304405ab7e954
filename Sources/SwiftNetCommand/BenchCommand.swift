// SPDX-License-Identifier: MIT

import ArgumentParser
import JSON
import Kernels
import SwiftNet
import SystemCalls

/// `swiftnet bench`: how fast a network runs.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", _superCommandName: SwiftNetCommand.name,
        abstract: "Time a network on made-up inputs.",
        discussion: """
            Times whole runs, from numbers in PyTorch's order to logits, without reading images. The first fifth of the \
            time is warm-up and not counted.

            EXAMPLES
              swiftnet bench --model rotation --threads 2
              swiftnet bench --weights model.onnx --batch 8
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var precisionOptions: PrecisionOptions

    @Option(help: ArgumentHelp("Inputs in one run.", valueName: "N"))
    var batch: Int = 1

    @Option(help: ArgumentHelp("Threads that share one run.", valueName: "N"))
    var threads: Int = 1

    @Option(help: ArgumentHelp("How long to measure.", valueName: "S"))
    var seconds: Double = 5

    @Flag(help: "Print one line of JSON.")
    var json = false

    mutating func validate() throws {
        if !(1...4096).contains(batch) { throw ValidationError("--batch must be 1 to 4096, not \(batch).") }
        if !(1...256).contains(threads) { throw ValidationError("--threads must be 1 to 256, not \(threads).") }
        if !(0.01...3600).contains(seconds) { throw ValidationError("--seconds must be 0.01 to 3600, not \(seconds).") }
    }

    func run() throws {
        try Failure.reporting {
            let model = try modelOptions.load(precision: precisionOptions.precision)
            let session = try Session(model.plan, threads: threads)
            let times = try measure(session)
            let median = times[times.count / 2]
            let p90 = times[min(times.count - 1, times.count * 9 / 10)]
            let rate = Double(batch) / median * 1000
            let isa = model.plan.kernels.name
            if json {
                try writeStandardOutput(
                    """
                    {"model":\(JSONValue.string(model.description.name).text),"batch":\(batch),"threads":\(threads),\
                    "isa":"\(isa)","precision":"\(model.precision.rawValue)","gemm":"\(model.plan.products.name)","median_ms":\(median),"p90_ms":\(p90),"images_per_second":\(rate)}\n
                    """)
            } else {
                try writeStandardOutput(
                    """
                    \(model.description.name), \(model.precision.rawValue), batch \(batch), \(threads) thread\(threads == 1 ? "" : "s"), \(isa) kernels, \
                    \(times.count) runs
                    median \(milliseconds(median))  p90 \(milliseconds(p90))  best \(milliseconds(times[0]))  \
                    \(Int(rate)) images/s
                    \(model.plan.products)\n
                    """)
            }
        }
    }

    /// Times runs until the time is over, at least three.
    ///
    /// - Returns: Milliseconds of each run, ascending.
    private func measure(_ session: Session) throws -> [Double] {
        let plan = session.plan
        if plan.inputs.count > 1 || plan.outputs.count > 1 {
            let tensors = plan.inputs.map { Tensor(madeUpInput(count: $0.shape.elementCount), shape: $0.shape) }
            return try time { for _ in 0..<batch { _ = try session.run(inputs: tensors) } }
        }
        let input = madeUpInput(count: batch * plan.inputShape.elementCount)
        var output = [Float](repeating: 0, count: batch * plan.outputShape.elementCount)
        return time {
            input.withUnsafeBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    session.run(input, count: batch, layout: .channelsFirst, output: output)
                }
            }
        }
    }

    private func time(_ body: () throws -> Void) rethrows -> [Double] {
        let start = SystemClock.monotonicSeconds
        let (warm, end) = (start + seconds / 5, start + seconds)
        var times: [Double] = []
        times.reserveCapacity(1 << 20)
        var before = start
        while before < end || times.count < 3 {
            try body()
            let after = SystemClock.monotonicSeconds
            if before >= warm || after >= end { times.append((after - before) * 1000) }
            before = after
        }
        return times.sorted()
    }

    private func milliseconds(_ value: Double) -> String { "\((value * 1000).rounded() / 1000) ms" }
}

/// Numbers between -1 and 1, the same on every run.
func madeUpInput(count: Int) -> [Float] {
    var state: UInt32 = 1
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(Int32(bitPattern: state) >> 8) / Float(1 << 23)
    }
}
