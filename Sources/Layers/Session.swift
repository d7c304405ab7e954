// SPDX-License-Identifier: MIT

import Kernels
import SystemCalls
import Tensors

/// What one caller needs to run a plan: its arenas and its threads. Used by one caller at a time.
///
/// In a run, numbers nearer to zero than the smallest normal one (1.2e-38) count as zero; NaN and infinities go through as IEEE
/// 754 says. The caller's own arithmetic stays as it is.
public final class Session {
    /// How the numbers of an image are ordered.
    public enum Layout: Sendable {
        /// PyTorch's [N, C, H, W].
        case channelsFirst
        /// [N, H, W, C], as decoded pixels are: saves a pass.
        case channelsLast
    }

    /// The plan that the session runs.
    public let plan: Plan
    /// Threads that work on one run, the caller's among them.
    public var threads: Int { team.count }

    private let leastSharedWork: Int
    private let multiplyAdds: Int
    private let execution: PlanExecution
    private let team: Team

    /// Takes the memory and starts the threads that running the plan needs.
    ///
    /// - Parameters:
    ///   - threads: Threads that share the work of one run, 1 to 256; 1 uses the caller's alone.
    /// - Throws: An error of the system if it gives no more threads.
    public convenience init(_ plan: Plan, threads: Int = 1) throws {
        try self.init(plan, threads: threads, leastSharedWork: Self.leastSharedWork)
    }

    /// Multiply-adds of a run below which the caller's thread does it alone: waking threads would take longer than they save.
    static let leastSharedWork = 5_000_000

    /// Makes a session that shares out runs of at least so many multiply-adds.
    package init(_ plan: Plan, threads: Int, leastSharedWork: Int) throws {
        self.plan = plan
        self.leastSharedWork = leastSharedWork
        multiplyAdds = plan.multiplyAdds
        execution = PlanExecution(plan, workers: max(1, threads))
        team = try Team(count: max(1, threads), work: execution) { FloatingPointMode().flushingDenormals.set() }
    }

    /// Runs the network on a batch.
    ///
    /// Shape: [N, C, H, W] or [N, features], Float32 → [N] and the plan's output shape.
    ///
    /// - Throws: `TensorError.shapeMismatch` if the input is not a batch of the plan's input shape.
    public func run(_ input: Tensor) throws -> Tensor {
        let dimensions = input.shape.dimensions
        guard dimensions.first != nil, Array(dimensions.dropFirst()) == plan.inputShape.dimensions else {
            let expected = Shape([dimensions.first ?? 1] + plan.inputShape.dimensions)
            throw TensorError.shapeMismatch(name: "input", expected: expected, actual: input.shape)
        }
        let values = input.floats()
        return Tensor(shape: Shape([dimensions[0]] + plan.outputShape.dimensions)) { output in
            values.withUnsafeBufferPointer { run($0, count: dimensions[0], layout: .channelsFirst, output: output) }
        }
    }

    /// Runs the network on `count` inputs and writes as many outputs, allocating nothing (but for the first batch of its
    /// size in channels-first order).
    ///
    /// - Precondition: The buffers hold as much as `count` inputs and outputs take.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, layout: Layout, output: UnsafeMutableBufferPointer<Float>
    ) {
        let inputCount = plan.inputShape.elementCount
        let outputCount = plan.outputShape.elementCount
        precondition(
            input.count >= count * inputCount, "the input holds \(input.count) values, not \(count * inputCount)")
        precondition(output.count >= count * outputCount, "the output has room for \(output.count) values")
        guard count > 0, let inputBase = input.baseAddress, let outputBase = output.baseAddress else { return }
        for first in stride(from: 0, to: count, by: Plan.batchCapacity) {
            let images = min(Plan.batchCapacity, count - first)
            runBatch(
                inputBase + first * inputCount, layout: layout, images: images,
                output: outputBase + first * outputCount)
        }
    }

    private func runBatch(_ input: Input, layout: Layout, images: Int, output: Output) {
        flushingDenormals {
            let isShared = threads > 1 && multiplyAdds * images >= leastSharedWork
            execution.begin(
                input: input, layout: layout, images: images, output: output, workers: isShared ? threads : 1)
            if isShared { team.run() } else { execution.runAlone() }
        }
    }

    private func flushingDenormals(_ body: () -> Void) {
        let mode = FloatingPointMode()
        mode.flushingDenormals.set()
        body()
        mode.set()
    }
}

extension Session {
    /// Runs the network on one input and tells when each step began and how long it took.
    ///
    /// - Parameters:
    ///   - input: One input, channels last.
    /// - Returns: A span for each of the plan's `summaries`, counted from the run's beginning.
    /// - Precondition: The buffer holds one input.
    public func profile(_ input: UnsafeBufferPointer<Float>) -> [(start: Duration, duration: Duration)] {
        precondition(input.count >= plan.inputShape.elementCount, "the input holds \(input.count) values")
        guard let base = input.baseAddress else { return [] }
        let output = FloatBuffer(count: plan.outputShape.elementCount)
        var times: [UInt64] = []
        times.reserveCapacity(plan.summaries.count + 1)
        execution.roundTimes = times
        flushingDenormals {
            execution.begin(
                input: base, layout: .channelsLast, images: 1, output: output.base, workers: threads,
                sharesSteps: true)
            team.run()
        }
        times = execution.roundTimes ?? []
        execution.roundTimes = nil
        return plan.summaries.indices.map { step in
            (.nanoseconds(times[step] - times[0]), .nanoseconds(times[step + 1] - times[step]))
        }
    }
}
