// SPDX-License-Identifier: MIT

import Glibc
import Protocols
import Synchronization
import SystemCalls

/// Two models whose answers can be foreseen: a digit is the first pixel's value modulo 10, logits are the row's sum.
package struct StubService: InferenceService {
    /// How long each run takes.
    package var milliseconds: Int
    /// How many rows run together at most.
    package var fastestBatch: Int
    /// Counts runs on another thread than the runner's own.
    package let borrowedRuns = Counter()
    /// Counts how often memory was to be given back.
    package let timesGivenBack = Counter()

    package let models = [
        ServedModel(
            name: "digits", version: "2", architecture: "stub", task: .digits,
            inputShape: [1, 2, 2], labels: (0..<10).map(String.init)),
        ServedModel(
            name: "turns", version: "1", architecture: "stub", task: .rotation,
            inputShape: [3, 2, 2], labels: ["0", "90", "180", "270"]),
    ]

    package init(milliseconds: Int = 0, fastestBatch: Int = 1) {
        self.milliseconds = milliseconds
        self.fastestBatch = fastestBatch
    }

    package func makeRunner() throws -> any InferenceRunner {
        StubRunner(
            milliseconds: milliseconds, fastestBatch: fastestBatch, borrowedRuns: borrowedRuns,
            timesGivenBack: timesGivenBack)
    }
}

/// A number that all threads add to.
package final class Counter: Sendable {
    private let number = Atomic(0)

    package init() {}

    package var value: Int { number.load(ordering: .acquiring) }

    func add() { number.wrappingAdd(1, ordering: .releasing) }
}

/// Runs the models of ``StubService``.
package final class StubRunner: InferenceRunner {
    package var interest = WorkInterest()
    private let milliseconds: Int
    private let largestBatch: Int
    private let borrowedRuns: Counter
    private let timesGivenBack: Counter
    private let home = pthread_self()

    package init(
        milliseconds: Int = 0, fastestBatch: Int = 1, borrowedRuns: Counter = Counter(),
        timesGivenBack: Counter = Counter()
    ) {
        self.milliseconds = milliseconds
        largestBatch = fastestBatch
        self.borrowedRuns = borrowedRuns
        self.timesGivenBack = timesGivenBack
    }

    package func giveBackMemory() { timesGivenBack.add() }

    private func countBorrowing() {
        if pthread_equal(pthread_self(), home) == 0 { borrowedRuns.add() }
    }

    package func fastestBatch(model: Int) -> Int { largestBatch }

    package func nanosecondsPerRow(model: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 + 2000 }

    package func classify(
        model: Int, images: [[UInt8]], views: RequestedViews
    ) throws -> [Result<Classification, any Error>] {
        countBorrowing()
        SystemClock.sleep(milliseconds: milliseconds)
        return images.map { image in
            if image == Array("broken".utf8) { return .failure(InferenceRefusal.unusableImage("it is broken")) }
            if image == Array("text".utf8) { return .failure(InferenceRefusal.notAnImage("it is text")) }
            // Four views are seen in the answer: the next class.
            return .success(answer(Int(image.first ?? 0) + (views == .four ? 1 : 0), model))
        }
    }

    package func classify(model: Int, pixels: [UInt8]) throws -> [Classification] {
        countBorrowing()
        SystemClock.sleep(milliseconds: milliseconds)
        return stride(from: 0, to: pixels.count, by: 4).map { answer(Int(pixels[$0]), model) }
    }

    private func answer(_ value: Int, _ model: Int) -> Classification {
        let classes = model == 0 ? 10 : 4
        let index = value % classes
        return Classification(
            classIndex: index, scores: (0..<classes).map { $0 == index ? 0.75 : 0.25 / Float(classes - 1) },
            exifDegrees: model == 0 ? 0 : 90)
    }

    package func run(model: Int, rows: Int, input: [Float]) throws -> [Float] {
        countBorrowing()
        // A number that nobody asks for otherwise: one bad row spoils the run that it is in.
        if input.contains(-9999) { throw InferenceRefusal.unusableImage("a row is bad") }
        if fastestBatch(model: model) > 1 { SystemClock.sleep(milliseconds: milliseconds) }
        let rowCount = input.count / rows
        return (0..<rows).flatMap { row -> [Float] in
            let sum = input[(row * rowCount)..<((row + 1) * rowCount)].reduce(0, +)
            return [sum, -sum] + Array(repeating: 0, count: model == 0 ? 8 : 2)
        }
    }

    package func prepared(model: Int, image: [UInt8]) throws -> [UInt8] { image }

    package func upright(
        model: Int, image: [UInt8], views: RequestedViews
    ) throws -> (bytes: [UInt8], mediaType: String, Classification) {
        (image.reversed(), "image/png", answer(Int(image.first ?? 0) + (views == .four ? 1 : 0), model))
    }
}
