// SPDX-License-Identifier: MIT

import Kernels
import SystemCalls

/// A plan's runs: the memory of all workers, and how a run's work is cut into rounds.
///
/// First whole images go to workers, each through all steps that work on images, so that an image stays in its worker's caches;
/// then, of the images that would not load all workers, each step is a round; last, each step that works on the whole batch.
final class PlanExecution: TeamWork, @unchecked Sendable {
    // Sendable because the run is described before the team begins it.

    private let plan: Plan
    private let memory: SessionMemory
    /// Images of the first input in the order that the plan wants; grows when first needed.
    private var staging = AlignedMemory(byteCount: 0)
    /// Where the caller's inputs and outputs stand.
    private let inputs: UnsafeMutableBufferPointer<UnsafeRawPointer>
    private let outputs: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
    /// For each step, multiply-adds and other work on one image, in multiply-adds.
    private let costs: [Int]

    // The run.
    private var workers = 1
    /// The images as the caller gave them, if they are to be brought into the plan's order.
    private var given: Input?
    private var images = 0
    /// Images that are done by one worker each.
    private var wholeImages = 0
    /// When each round began, and the last ended, if that is wanted: in nanoseconds.
    var roundTimes: [UInt64]?

    /// - Precondition: The memory suits the plan.
    init(_ plan: Plan, workers: Int, memory: SessionMemory) {
        precondition(memory.suits(plan, threads: workers), "the memory was reserved for smaller plans")
        self.plan = plan
        self.memory = memory
        costs = plan.summaries.map {
            $0.multiplyAdds + 8 * ($0.inputShape.elementCount + $0.outputShape.elementCount)
        }
        inputs = .allocate(capacity: max(1, plan.inputs.count))
        outputs = .allocate(capacity: max(1, plan.outputs.count))
        inputs.initialize(repeating: UnsafeRawPointer(memory.batch.base))
        outputs.initialize(repeating: memory.batch.base)
    }

    deinit {
        inputs.deallocate()
        outputs.deallocate()
    }

    /// Gives the kernel what is not needed between runs.
    func giveBackMemory() {
        memory.giveBack()
        staging = AlignedMemory(byteCount: 0)
    }

    /// Describes the next run.
    ///
    /// - Parameters:
    ///   - layout: The order of the first input's images; other inputs are row-major.
    ///   - sharesSteps: Whether each step on an image is a round, even if there are images enough for all workers.
    func begin(
        inputs: UnsafeBufferPointer<UnsafeRawPointer>, layout: Session.Layout, images: Int,
        outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>, workers: Int, sharesSteps: Bool = false
    ) {
        for index in inputs.indices { self.inputs[index] = inputs[index] }
        for index in outputs.indices { self.outputs[index] = outputs[index] }
        self.images = images
        self.workers = workers
        wholeImages = sharesSteps ? 0 : images - images % workers
        given = nil
        guard let first = plan.inputs.first, !first.isOrdered(as: layout) else { return }
        if staging.byteCount < images * first.byteCount {
            staging = AlignedMemory(byteCount: images * first.byteCount)
        }
        given = inputs[0].assumingMemoryBound(to: Float.self)
        self.inputs[0] = UnsafeRawPointer(staging.base)
        // The others are reordered just before they are read.
        for image in plan.firstBatchStep == 0 ? 0..<images : wholeImages..<images { reorder(image) }
    }

    /// Brings an image into the plan's order if it was given in the other.
    private func reorder(_ image: Int) {
        guard let given else { return }
        let first = plan.inputs[0]
        let (channels, pixels) = (first.shape[0], first.count / first.shape[0])
        let (rows, columns) = first.isChannelsLast ? (channels, pixels) : (pixels, channels)
        plan.kernels.move.transpose(
            staging.floats + image * first.count, rows, given + image * first.count, columns, rows, columns)
    }

    /// Goes through the run on the caller's thread.
    func runAlone() {
        for image in 0..<images { run(image: image, worker: 0) }
        var run = stepRun(worker: 0, arena: 0, image: 0, part: 0, parts: 1)
        run.rows = images
        for step in plan.steps[plan.firstBatchStep...] { step.run(run) }
    }

    func parts(ofRound round: Int) -> Int {
        roundTimes?.append(SystemClock.monotonicNanoseconds())
        return switch stage(ofRound: round) {
        case .wholeImages: wholeImages
        case .imageStep(_, let step): parts(ofStep: step, images: 1)
        case .batchStep(let step): parts(ofStep: step, images: images)
        case nil: 0
        }
    }

    func run(part: Int, ofRound round: Int, worker: Int) {
        switch stage(ofRound: round) {
        case .wholeImages:
            run(image: part, worker: worker)
        case .imageStep(let image, let step):
            let parts = parts(ofStep: step, images: 1)
            plan.steps[step].run(stepRun(worker: worker, arena: 0, image: image, part: part, parts: parts))
        case .batchStep(let step):
            var run = stepRun(
                worker: worker, arena: 0, image: 0, part: part, parts: parts(ofStep: step, images: images))
            run.rows = images
            plan.steps[step].run(run)
        case nil:
            preconditionFailure("the run has no round \(round)")
        }
    }

    private enum Stage {
        case wholeImages
        case imageStep(image: Int, step: Int)
        case batchStep(Int)
    }

    private func stage(ofRound round: Int) -> Stage? {
        var round = round
        if wholeImages > 0 && plan.firstBatchStep > 0 {
            if round == 0 { return .wholeImages }
            round -= 1
        }
        let imageRounds = (images - wholeImages) * plan.firstBatchStep
        if round < imageRounds {
            let (image, step) = round.quotientAndRemainder(dividingBy: plan.firstBatchStep)
            return .imageStep(image: wholeImages + image, step: step)
        }
        let step = plan.firstBatchStep + round - imageRounds
        return step < plan.steps.count ? .batchStep(step) : nil
    }

    /// A step of little work is not worth the handing over: one worker does it.
    private func parts(ofStep step: Int, images: Int) -> Int {
        max(1, min(workers, costs[step] * images / Self.leastPart))
    }

    /// Multiply-adds that are worth a part of their own: about a microsecond's.
    private static let leastPart = 25_000

    private func run(image: Int, worker: Int) {
        guard plan.firstBatchStep > 0 else { return }
        reorder(image)
        let run = stepRun(worker: worker, arena: worker, image: image, part: 0, parts: 1)
        for step in plan.steps[..<plan.firstBatchStep] { step.run(run) }
    }

    /// What a step is told.
    func stepRun(worker: Int, arena: Int, image: Int, part: Int, parts: Int) -> StepRun {
        StepRun(
            plan: plan,
            sharedWeights: (plan.shared ?? plan.weights).bytes.baseAddress ?? UnsafeRawPointer(memory.batch.base),
            ownWeights: plan.weights.bytes.baseAddress ?? UnsafeRawPointer(memory.batch.base),
            firstOwnWeight: plan.firstOwnWeight,
            inputs: UnsafePointer(inputs.baseAddress!), outputs: UnsafePointer(outputs.baseAddress!),
            imageArena: memory.threads[arena].base, batchArena: memory.batch.base, batchCapacity: Plan.batchCapacity,
            scratch: (memory.threads[worker].base + plan.scratchOffset).assumingMemoryBound(to: Float.self),
            image: image, rows: 1,
            part: part, parts: parts)
    }
}
