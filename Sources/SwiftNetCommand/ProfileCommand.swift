// SPDX-License-Identifier: MIT

import ArgumentParser
import CommandSupport
import JSON
import Kernels
import SwiftNet
import SystemCalls
import Text

/// `swiftnet profile`: where a network's time goes.
struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", _superCommandName: SwiftNetCommand.name,
        abstract: "Show where a network's time goes, layer by layer.",
        discussion: """
            Runs the network on one made-up input. For each layer: its shapes, the algorithm chosen and why, \
            the median time, its arithmetic speed, and the bytes of weights and values that it moves. GFLOP/s counts the \
            operations of the layer's definition; "of peak" counts those that the algorithm executes, which are fewer for \
            Winograd's, against a matrix product that lies in cache, times the threads.

            EXAMPLES
              swiftnet profile --model rotation
              swiftnet profile --weights model.onnx --trace trace.json
            """)

    @OptionGroup var modelOptions: ModelOptions
    @OptionGroup var precisionOptions: PrecisionOptions

    @Option(help: ArgumentHelp("Runs to take the median of.", valueName: "N"))
    var runs: Int = 100

    @Option(help: ArgumentHelp("Threads that share one run.", valueName: "N"))
    var threads: Int = 1

    @Option(
        help: ArgumentHelp("Also write the last run for Chrome's trace viewer.", valueName: "file"),
        completion: .file())
    var trace: String?

    @Flag(help: "Replace the file of --trace if it exists.")
    var force = false

    mutating func validate() throws {
        if !(1...100_000).contains(runs) { throw ValidationError("--runs must be 1 to 100000, not \(runs).") }
        if !(1...256).contains(threads) { throw ValidationError("--threads must be 1 to 256, not \(threads).") }
    }

    func run() throws {
        try Failure.reporting {
            let existing: OutputFile.Existing = force ? .replace : .refuse
            if let trace { try OutputFile.check(trace, existing: existing) }
            let model = try modelOptions.load(precision: precisionOptions.precision)
            let plan = model.plan
            let session = try Session(plan, threads: threads)
            let input = madeUpInput(count: model.inputCount)
            var profiles: [[(start: Duration, duration: Duration)]] = []
            for _ in 0..<runs + runs / 10 + 1 { profiles.append(input.withUnsafeBufferPointer(session.profile)) }
            profiles.removeFirst(runs / 10 + 1)
            let medians = plan.summaries.indices.map { step in
                profiles.map { $0[step].duration / .microseconds(1) }.sorted()[profiles.count / 2]
            }
            let peak = PeakSpeed.measure(plan) * Double(threads)
            try writeStandardOutput("\(report(plan, medians, peak: peak))\n")
            if let trace, let last = profiles.last {
                try OutputFile.write(Array(chromeTrace(plan, last).utf8), to: trace, existing: existing)
            }
        }
    }

    private func report(_ plan: Plan, _ microseconds: [Double], peak: Double) -> String {
        let total = microseconds.reduce(0, +)
        var rows = [
            ["layer", "operation", "shape", "algorithm", "us", "%", "", "GFLOP/s", "of peak", "moves", "because"]
        ]
        for (step, time) in zip(plan.summaries, microseconds) {
            let speed = 2 * Double(step.multiplyAdds) / time / 1000
            let moved = step.weightBytes + 4 * (step.inputShape.elementCount + step.outputShape.elementCount)
            rows.append([
                step.name, step.operation, "\(step.inputShape) > \(step.outputShape)", step.algorithm, rounded(time),
                rounded(100 * time / total), bar(time / (microseconds.max() ?? 1)),
                step.multiplyAdds > 0 ? rounded(speed) : "",
                step.multiplyAdds > 0 ? share(step.executedMultiplyAdds, time, of: peak) : "",
                ByteCount.text(moved), step.reason,
            ])
        }
        let speed = 2 * Double(plan.multiplyAdds) / total / 1000
        let workers = threads == 1 ? "one thread reaches" : "\(threads) threads reach"
        let executed = plan.summaries.reduce(0) { $0 + $1.executedMultiplyAdds }
        return """
            \(Table(rows))
            \(rounded(total / 1000)) ms, \(rounded(Double(plan.multiplyAdds) / 1e6)) M multiply-adds, \(rounded(speed)) GFLOP/s, \
            \(share(executed, total, of: peak)) of the \(rounded(peak)) GFLOP/s that \(workers) with \(plan.kernels.name) kernels
            \(plan.products)
            """
    }

    /// What part of the peak so many multiply-adds in so many microseconds are.
    private func share(_ multiplyAdds: Int, _ microseconds: Double, of peak: Double) -> String {
        "\(Int(2 * Double(multiplyAdds) / microseconds / 1000 / peak * 100))%"
    }

    /// A bar of up to twelve characters, in eighths.
    private func bar(_ share: Double) -> String {
        let eighths = Int((share * 96).rounded())
        let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return String(repeating: "█", count: eighths / 8) + rest
    }

    private func rounded(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    /// - Source: "Trace Event Format", complete events.
    private func chromeTrace(_ plan: Plan, _ spans: [(start: Duration, duration: Duration)]) -> String {
        let events = zip(plan.summaries, spans).map { step, span in
            """
            {"name":\(JSONValue.string(step.name).text),"cat":\(JSONValue.string(step.operation).text),"ph":"X","pid":1,"tid":1,\
            "ts":\(span.start / .microseconds(1)),"dur":\(span.duration / .microseconds(1)),\
            "args":{"algorithm":\(JSONValue.string(step.algorithm).text),"reason":\(JSONValue.string(step.reason).text)}}
            """
        }
        return "{\"traceEvents\":[\(events.joined(separator: ",\n"))]}\n"
    }
}

/// What one core can do.
enum PeakSpeed {
    /// GFLOP/s of a matrix product whose operands lie in cache, the best of many, by the packed kernel and by the library if the
    /// plan may take it.
    static func measure(_ plan: Plan) -> Double {
        let kernels = plan.kernels
        let (m, n, k) = (168, 192, 256)
        let input = madeUpInput(count: m * k)
        let weight = madeUpInput(count: n * k)
        var packed = [Float](repeating: 0, count: kernels.gemm.packedCount(n, k))
        kernels.gemm.pack(&packed, weight, n, k, .padded)
        var output = [Float](repeating: 0, count: m * n)
        var best = Double.infinity
        for _ in 0..<300 {
            let start = SystemClock.monotonicSeconds
            multiply(kernels, &output, input, packed, m: m, n: n, k: k)
            let middle = SystemClock.monotonicSeconds
            best = min(best, middle - start)
            guard let library = plan.products.library else { continue }
            library.addProduct(&output, n, input, k, weight, n, m: m, n: n, k: k)
            best = min(best, SystemClock.monotonicSeconds - middle)
        }
        return 2 * Double(m * n * k) / best / 1e9
    }

    private static func multiply(
        _ kernels: KernelTable, _ output: Output, _ input: Input, _ packed: Input, m: Int, n: Int, k: Int
    ) {
        kernels.gemm.multiply(
            GemmCall(output: output, outputStride: n, input: input, inputStride: k, packed: packed, m: m, n: n, k: k))
    }
}
