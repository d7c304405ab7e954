// SPDX-License-Identifier: MIT

import Kernels
import Synchronization
import SystemCalls
import Tensors

/// What one caller needs to run a plan: its arenas and its threads. Used by one caller at a time.
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
    public var threads: Int { pool.count }

    private let leastSharedWork: Int
    private let pool: ThreadPool
    private let barrier: Barrier
    private let imageArenas: [FloatBuffer]
    private let scratches: [FloatBuffer]
    private let batchArena: FloatBuffer
    /// Inputs turned to channels-last; grows when first needed.
    private var staging = FloatBuffer(count: 0)

    /// Takes the memory and starts the threads that running the plan needs.
    ///
    /// - Parameters:
    ///   - threads: Threads that share the work of one run; 1 uses the caller's alone.
    /// - Throws: An error of the system if it gives no more threads.
    public convenience init(_ plan: Plan, threads: Int = 1) throws {
        try self.init(plan, threads: threads, leastSharedWork: Self.leastSharedWork)
    }

    /// Multiply-adds of a run below which the caller's thread does it alone: about a millisecond's work. Waking threads and
    /// waiting for them between steps would take longer than they save, and much longer on a busy machine.
    static let leastSharedWork = 50_000_000

    /// Makes a session that shares out runs of at least so many multiply-adds.
    package init(_ plan: Plan, threads: Int, leastSharedWork: Int) throws {
        self.plan = plan
        self.leastSharedWork = leastSharedWork
        pool = try ThreadPool(count: max(1, threads))
        barrier = Barrier(count: max(1, threads))
        imageArenas = (0..<max(1, threads)).map { _ in FloatBuffer(count: plan.imageArenaCount) }
        scratches = (0..<max(1, threads)).map { _ in FloatBuffer(count: plan.scratchCount) }
        batchArena = FloatBuffer(count: plan.batchArenaCount * Plan.batchCapacity)
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
            let source = inputBase + first * inputCount
            runBatch(
                layout == .channelsFirst ? channelsLast(source, images: images) : source, images: images,
                output: outputBase + first * outputCount)
        }
    }

    private func channelsLast(_ input: Input, images: Int) -> Input {
        let shape = plan.inputShape
        guard !shape.isOrderedAlike else { return input }
        let count = shape.elementCount
        if staging.count < images * count { staging = FloatBuffer(count: images * count) }
        for image in 0..<images {
            plan.kernels.transpose(
                staging.base + image * count, input + image * count, shape[0], count / shape[0])
        }
        return Input(staging.base)
    }

    private func runBatch(_ input: Input, images: Int, output: Output) {
        if threads == 1 || plan.multiplyAdds * images < leastSharedWork {
            work(worker: 0, of: 1, input: input, images: images, output: output)
        } else {
            let job = Job(session: self, input: input, images: images, output: output)
            pool.run { worker in
                job.session.work(
                    worker: worker, of: job.session.threads, input: job.input, images: job.images, output: job.output)
            }
        }
    }

    /// Carries a run's addresses to the workers, which end before the run does.
    private struct Job: @unchecked Sendable {
        unowned(unsafe) let session: Session
        let input: Input
        let images: Int
        let output: Output
    }

    /// One worker's part of a run: whole images while there is one for each worker, then a share of each step.
    private func work(worker: Int, of workers: Int, input: Input, images: Int, output: Output) {
        let barrier = workers == 1 ? nil : self.barrier
        let shared = images % workers
        let own = images - shared
        var run = stepRun(worker: worker, arena: worker, input: input, output: output, part: 0, parts: 1)
        for image in stride(from: worker, to: own, by: workers) {
            run.image = image
            for step in plan.steps[..<plan.firstBatchStep] { step.run(run) }
        }
        run = stepRun(worker: worker, arena: 0, input: input, output: output, part: worker, parts: workers)
        for image in own..<images {
            barrier?.wait()  // arena 0 is shared now
            run.image = image
            for step in plan.steps[..<plan.firstBatchStep] {
                step.run(run)
                barrier?.wait()
            }
        }
        barrier?.wait()
        run.image = 0
        run.rows = images
        for step in plan.steps[plan.firstBatchStep...] {
            step.run(run)
            barrier?.wait()
        }
    }

    func stepRun(
        worker: Int, arena: Int, input: Input, output: Output, part: Int, parts: Int
    ) -> StepRun {
        StepRun(
            kernels: plan.kernels, weights: plan.weights.base ?? Input(batchArena.base), input: input, output: output,
            imageArena: imageArenas[arena].base, batchArena: batchArena.base, batchCapacity: Plan.batchCapacity,
            scratch: scratches[worker].base, image: 0, rows: 1, part: part, parts: parts)
    }
}

/// Memory for Floats at a cache line's border, zeroed.
final class FloatBuffer: @unchecked Sendable {
    // Sendable because its users share out the memory among themselves.
    let base: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int) {
        self.count = count
        base = UnsafeMutableRawPointer.allocateZeroed(byteCount: count * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: count)
    }

    deinit { base.deallocate() }
}
