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
    ///   - threads: Threads that share the work of one run, 1 to 256; 1 uses only the caller's.
    ///   - memory: Memory that other sessions use, too, while this one does not run; by default, memory of its own.
    /// - Throws: An error of the system if it gives no more threads.
    /// - Precondition: The memory was reserved for this plan, among others, and for as many threads.
    public convenience init(_ plan: Plan, threads: Int = 1, memory: SessionMemory? = nil) throws {
        try self.init(plan, threads: threads, leastSharedWork: Self.leastSharedWork, memory: memory)
    }

    /// Multiply-adds of a run below which the caller's thread does it alone: waking threads would take longer than they save.
    static let leastSharedWork = 5_000_000

    /// Makes a session that shares out runs of at least so many multiply-adds.
    package init(_ plan: Plan, threads: Int, leastSharedWork: Int, memory: SessionMemory? = nil) throws {
        self.plan = plan
        self.leastSharedWork = leastSharedWork
        multiplyAdds = plan.multiplyAdds
        let threads = max(1, threads)
        execution = PlanExecution(
            plan, workers: threads, memory: memory ?? SessionMemory(for: [plan], threads: threads))
        team = try Team(count: threads, work: execution) { FloatingPointMode().flushingDenormals.set() }
    }

    /// Gives the kernel the memory that is not needed between runs, for a time without any: the next run takes it again, page by
    /// page. No session that has the same ``SessionMemory`` runs meanwhile.
    public func giveBackMemory() { execution.giveBackMemory() }

    /// Runs the network on a batch.
    ///
    /// Shape: [N, C, H, W] or [N, features], Float32 → [N] and the plan's output shape.
    ///
    /// - Throws: `TensorError.shapeMismatch` if the input is not a batch of the plan's input shape, `PortCountError` if the plan
    ///   has several inputs or outputs.
    public func run(_ input: Tensor) throws -> Tensor {
        guard plan.inputs.count == 1, plan.outputs.count == 1 else {
            throw PortCountError(inputs: plan.inputs.count, outputs: plan.outputs.count)
        }
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

    /// Runs a network of any number of inputs and outputs, of any types, once.
    ///
    /// Shape: each input's as the plan's, with or without a batch of 1 in front → each output's, with a batch of 1.
    ///
    /// - Throws: `TensorError` if the inputs are not of the plan's types and shapes.
    public func run(inputs tensors: [Tensor]) throws -> [Tensor] {
        guard tensors.count == plan.inputs.count else {
            throw TensorError.elementCount(shape: [tensors.count], expected: plan.inputs.count, actual: tensors.count)
        }
        for (tensor, port) in zip(tensors, plan.inputs) {
            guard tensor.elementType == port.elementType, [port.shape, port.fullShape].contains(tensor.shape) else {
                throw TensorError.shapeMismatch(name: port.name, expected: port.shape, actual: tensor.shape)
            }
        }
        // Aligned copies: a tensor's bytes may stand anywhere in a file.
        let given = zip(tensors, plan.inputs).map { tensor, port in
            let memory = AlignedMemory(byteCount: max(1, port.byteCount))
            tensor.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress { memory.base.copyMemory(from: base, byteCount: bytes.count) }
            }
            return memory
        }
        let results = plan.outputs.map { AlignedMemory(byteCount: max(1, $0.byteCount)) }
        withExtendedLifetime((given, results)) {
            given.map { UnsafeRawPointer($0.base) }.withUnsafeBufferPointer { inputs in
                results.map(\.base).withUnsafeBufferPointer { outputs in
                    runBatch(inputs, layout: .channelsFirst, images: 1, outputs: outputs)
                }
            }
        }
        return try zip(results, plan.outputs).map { memory, port in
            let shape = port.fullShape
            let storage = TensorStorage(byteCount: shape.elementCount * port.elementType.byteCount) { bytes in
                bytes.copyMemory(from: UnsafeRawBufferPointer(start: memory.base, count: bytes.count))
            }
            return try Tensor(shape: shape, elementType: port.elementType, storage: storage)
        }
    }

    /// Runs the network on `count` inputs and writes as many outputs, allocating nothing (but for the first batch of its
    /// size in channels-first order since ``giveBackMemory()``).
    ///
    /// - Precondition: The buffers hold as much as `count` inputs and outputs take; the plan has one input and one output.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, layout: Layout, output: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(
            plan.inputs.count == 1 && plan.outputs.count == 1,
            "a plan of \(plan.inputs.count) inputs and \(plan.outputs.count) outputs runs by run(inputs:)")
        let inputCount = plan.inputShape.elementCount
        let outputCount = plan.outputShape.elementCount
        precondition(
            input.count >= count * inputCount, "the input holds \(input.count) values, not \(count * inputCount)")
        precondition(output.count >= count * outputCount, "the output has room for \(output.count) values")
        guard count > 0, let inputBase = input.baseAddress, let outputBase = output.baseAddress else { return }
        for first in stride(from: 0, to: count, by: Plan.batchCapacity) {
            let images = min(Plan.batchCapacity, count - first)
            withUnsafePointer(to: UnsafeRawPointer(inputBase + first * inputCount)) { input in
                withUnsafePointer(to: UnsafeMutableRawPointer(outputBase + first * outputCount)) { output in
                    runBatch(
                        UnsafeBufferPointer(start: input, count: 1), layout: layout, images: images,
                        outputs: UnsafeBufferPointer(start: output, count: 1))
                }
            }
        }
    }

    /// Runs a network of any number of inputs and outputs on a batch.
    ///
    /// - Parameter rows: `count` rows, in each the inputs one behind the other.
    /// - Returns: As many rows, in each the outputs one behind the other.
    /// - Precondition: There are as many numbers, and all inputs and outputs are Float32.
    package func run(rows: [Float], count: Int) -> [Float] {
        precondition((plan.inputs + plan.outputs).allSatisfy { $0.elementType == .float32 }, "a port is not Float32")
        let (inputCount, outputCount) = (plan.inputs.floatCount, plan.outputs.floatCount)
        precondition(rows.count >= count * inputCount, "there are \(rows.count) numbers, not \(count * inputCount)")
        let images = min(count, Plan.batchCapacity)
        let given = plan.inputs.map { AlignedMemory(floats: max(1, images * $0.count)) }
        let results = plan.outputs.map { AlignedMemory(floats: max(1, images * $0.count)) }
        var answers = [Float](repeating: 0, count: count * outputCount)
        withExtendedLifetime((given, results)) {
            for first in stride(from: 0, to: count, by: Plan.batchCapacity) {
                let images = min(Plan.batchCapacity, count - first)
                plan.inputs.forEachPlace { port, size, place in
                    for image in 0..<images {
                        let start = (first + image) * inputCount + place
                        rows.withUnsafeBufferPointer { rows in
                            _ = UnsafeMutableBufferPointer(start: given[port].floats + image * size, count: size)
                                .update(fromContentsOf: rows[start..<(start + size)])
                        }
                    }
                }
                given.map { UnsafeRawPointer($0.base) }.withUnsafeBufferPointer { inputs in
                    results.map(\.base).withUnsafeBufferPointer { outputs in
                        runBatch(inputs, layout: .channelsFirst, images: images, outputs: outputs)
                    }
                }
                plan.outputs.forEachPlace { port, size, place in
                    for image in 0..<images {
                        let start = (first + image) * outputCount + place
                        answers.withUnsafeMutableBufferPointer { answers in
                            _ = answers[start..<(start + size)].update(
                                fromContentsOf: UnsafeBufferPointer(
                                    start: results[port].floats + image * size, count: size))
                        }
                    }
                }
            }
        }
        return answers
    }

    private func runBatch(
        _ inputs: UnsafeBufferPointer<UnsafeRawPointer>, layout: Layout, images: Int,
        outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
    ) {
        flushingDenormals {
            let isShared = threads > 1 && multiplyAdds * images >= leastSharedWork
            execution.begin(
                inputs: inputs, layout: layout, images: images, outputs: outputs, workers: isShared ? threads : 1)
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

/// One tensor was given to a plan that has several inputs or outputs.
public struct PortCountError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The plan's inputs.
    public let inputs: Int
    /// The plan's outputs.
    public let outputs: Int

    /// One line: what there is, and what to do.
    public var description: String { "a plan of \(inputs) inputs and \(outputs) outputs runs by run(inputs:)" }
}

extension Session {
    /// Runs the network on one input and tells when each step began and how long it took.
    ///
    /// - Parameters:
    ///   - input: One input, channels last; of several inputs each row-major but the first, one behind the other.
    /// - Returns: A span for each of the plan's `summaries`, counted from the run's beginning.
    /// - Precondition: The buffer holds one of each input.
    public func profile(_ input: UnsafeBufferPointer<Float>) -> [(start: Duration, duration: Duration)] {
        precondition(input.count >= plan.inputs.floatCount, "the input holds \(input.count) values")
        guard let base = input.baseAddress else { return [] }
        let results = plan.outputs.map { AlignedMemory(floats: max(1, $0.count)) }
        var times: [UInt64] = []
        times.reserveCapacity(plan.summaries.count + 1)
        execution.roundTimes = times
        var inputs: [UnsafeRawPointer] = []
        plan.inputs.forEachPlace { _, _, place in inputs.append(UnsafeRawPointer(base + place)) }
        flushingDenormals {
            inputs.withUnsafeBufferPointer { inputs in
                results.map(\.base).withUnsafeBufferPointer { outputs in
                    execution.begin(
                        inputs: inputs, layout: .channelsLast, images: 1, outputs: outputs, workers: threads,
                        sharesSteps: true)
                    team.run()
                }
            }
        }
        withExtendedLifetime(results) {}
        times = execution.roundTimes ?? []
        execution.roundTimes = nil
        return plan.summaries.indices.map { step in
            (.nanoseconds(times[step] - times[0]), .nanoseconds(times[step + 1] - times[step]))
        }
    }
}

extension [Plan.Port] {
    /// Floats that one of each takes, one behind the other.
    fileprivate var floatCount: Int { reduce(0) { $0 + $1.count } }

    /// Calls `body` with each one's number, its floats, and where it begins in such a row.
    fileprivate func forEachPlace(_ body: (_ port: Int, _ size: Int, _ place: Int) -> Void) {
        var place = 0
        for (port, size) in map(\.count).enumerated() {
            body(port, size, place)
            place += size
        }
    }
}
