// SPDX-License-Identifier: MIT

import Images
import SystemCalls

/// Answers many images on all cores, and hands the answers over in order as they come.
public struct BatchPredictor: Sendable {
    /// One image's answer, or why there is none.
    public typealias Answer = Result<Prediction, any Error>

    /// The model that answers.
    public let model: LoadedModel
    /// Threads, each of which takes batches of its own.
    public let threads: Int
    /// What an image file may take.
    public let limits: ImageLimits
    /// How a rotation model looks at each image.
    public let views: ViewCount
    /// Image 0, where it has been begun already. Only one predictor for all images takes it up.
    package var first: ImagePrefetch?
    /// Images that one thread takes at a time.
    static let batchSize = 8

    /// Describes the work; threads start with `run`.
    public init(
        _ model: LoadedModel, threads: Int, limits: ImageLimits = ImageLimits(), views: ViewCount = .one
    ) {
        self.model = model
        self.threads = max(1, threads)
        self.limits = limits
        self.views = views
    }

    /// Reads and answers images 0 to `count` - 1.
    ///
    /// Never holds more than a few batches per thread, however many images there are.
    ///
    /// - Parameters:
    ///   - read: Gives the bytes of an image; called on any thread.
    ///   - deliver: Takes the answers in order with the milliseconds that each took; called on the caller's thread.
    /// - Throws: What `deliver` throws, or an error of the system if it gives no threads.
    public func run(
        count: Int, read: @escaping @Sendable (Int) throws -> [UInt8],
        deliver: (_ index: Int, _ answer: Answer, _ milliseconds: Double) throws -> Void
    ) throws {
        let batches = (count + Self.batchSize - 1) / Self.batchSize
        if threads == 1 || batches <= 1 {
            // One predictor; the threads share each run.
            let predictor = try Predictor(model, threads: threads, limits: limits)
            for index in 0..<count {
                let result =
                    if index == 0, let first { answer(predictor, first) } else {
                        answers(predictor, images: index..<(index + 1), read: read)[0]
                    }
                try deliver(index, result.answer, result.milliseconds)
            }
            return
        }
        let predictors = try (0..<min(threads, batches)).map { _ in
            Handover(try Predictor(model, threads: 1, limits: limits))
        }
        try OrderedBatches.run(
            count: count, batchSize: Self.batchSize,
            workers: predictors.map { predictor in { answers(predictor.value, images: $0, read: read) } },
            deliver: { try deliver($0, $1.answer, $1.milliseconds) })
    }

    private typealias Timed = (answer: Answer, milliseconds: Double)

    private func answers(_ predictor: Predictor, images: Range<Int>, read: (Int) throws -> [UInt8]) -> [Timed] {
        let start = SystemClock.monotonicSeconds
        let bytes = images.map { index in Result { try read(index) } }
        let predictions = predictor.predict(batch: bytes.compactMap { try? $0.get() }, views: views)
        let elapsed = (SystemClock.monotonicSeconds - start) * 1000 / Double(images.count)
        var next = 0
        return bytes.map { result in
            let answer = result.flatMap { _ in
                defer { next += 1 }
                return predictions[next]
            }
            return (answer, elapsed)
        }
    }

    private func answer(_ predictor: Predictor, _ first: ImagePrefetch) -> Timed {
        let (image, milliseconds) = first.wait()
        let start = SystemClock.monotonicSeconds
        let checked = Result { try predictor.checkAnswers(views) }.flatMap { image }
        let answer = predictor.predict(prepared: [checked], views)[0]
        return (answer, milliseconds + (SystemClock.monotonicSeconds - start) * 1000)
    }

    /// Gives a predictor to the one thread that uses it.
    private struct Handover: @unchecked Sendable {
        let value: Predictor

        init(_ value: Predictor) { self.value = value }
    }
}
