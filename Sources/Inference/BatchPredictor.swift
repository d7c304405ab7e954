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
                let results = answers(predictor, images: index..<(index + 1), read: read)
                try deliver(index, results[0].answer, results[0].milliseconds)
            }
            return
        }
        let board = Board(batches: batches, window: threads * 4)
        let predictors = try (0..<min(threads, batches)).map { _ in
            Handover(try Predictor(model, threads: 1, limits: limits))
        }
        var workers: [Thread] = []
        defer {
            board.close()
            workers.forEach { $0.join() }
        }
        for predictor in predictors {
            workers.append(
                try Thread(stackBytes: 8 << 20) {
                    while let batch = board.take() {
                        let first = batch * Self.batchSize
                        let images = first..<min(count, first + Self.batchSize)
                        board.put(answers(predictor.value, images: images, read: read), for: batch)
                    }
                })
        }
        for batch in 0..<batches {
            for (offset, result) in board.results(of: batch).enumerated() {
                try deliver(batch * Self.batchSize + offset, result.answer, result.milliseconds)
            }
        }
    }

    private typealias Timed = (answer: Answer, milliseconds: Double)

    private func answers(_ predictor: Predictor, images: Range<Int>, read: (Int) throws -> [UInt8]) -> [Timed] {
        let start = ProcessEnvironment.monotonicSeconds
        let bytes = images.map { index in Result { try read(index) } }
        let predictions = predictor.predict(batch: bytes.compactMap { try? $0.get() }, views: views)
        let elapsed = (ProcessEnvironment.monotonicSeconds - start) * 1000 / Double(images.count)
        var next = 0
        return bytes.map { result in
            let answer = result.flatMap { _ in
                defer { next += 1 }
                return predictions[next]
            }
            return (answer, elapsed)
        }
    }

    /// Gives a predictor to the one thread that uses it.
    private struct Handover: @unchecked Sendable {
        let value: Predictor

        init(_ value: Predictor) { self.value = value }
    }

    /// Where workers find the next batch and leave what came of it.
    private final class Board: @unchecked Sendable {
        // Sendable because everything mutable is touched under the monitor's lock.
        private let monitor = Monitor()
        private let batches: Int
        private let window: Int
        private var next = 0
        private var delivered = 0
        private var finished: [Int: [Timed]] = [:]
        private var isClosed = false

        init(batches: Int, window: Int) {
            self.batches = batches
            self.window = window
        }

        /// The next batch; waits while too many are undelivered. Nil when there is none left.
        func take() -> Int? {
            monitor.lock()
            defer { monitor.unlock() }
            while !isClosed && next < batches && next >= delivered + window { monitor.wait() }
            guard !isClosed, next < batches else { return nil }
            defer { next += 1 }
            return next
        }

        func put(_ results: [Timed], for batch: Int) {
            monitor.lock()
            defer { monitor.unlock() }
            finished[batch] = results
            monitor.wakeAll()
        }

        func results(of batch: Int) -> [Timed] {
            monitor.lock()
            defer { monitor.unlock() }
            while true {
                if let results = finished.removeValue(forKey: batch) {
                    delivered = batch + 1
                    monitor.wakeAll()
                    return results
                }
                monitor.wait()
            }
        }

        func close() {
            monitor.lock()
            isClosed = true
            monitor.wakeAll()
            monitor.unlock()
        }
    }
}
