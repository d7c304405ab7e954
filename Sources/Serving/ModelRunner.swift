// SPDX-License-Identifier: MIT

import Images
import Inference
import Protocols
import SystemCalls

/// One thread's memory for all models.
final class ModelRunner: InferenceRunner {
    var interest = WorkInterest()
    private let predictors: [Predictor]
    private let budget: DecodingBudget
    /// For each model, the rows of a batch that are worked on at once.
    private let rowsAtOnce: [Int]
    /// For each model, the rows that take the least time each when they run together.
    private var fastestBatches: [Int]
    /// For each model, how long a row takes by itself.
    private var nanosecondsPerRow: [UInt64]

    /// Images that are decoded before one looks whether the answer is still wanted: so many, of so many pixels together. Fewer
    /// where the network takes long: what is begun is done to its end.
    private static let imagesAtOnce = 8
    private static let multiplyAddsAtOnce = 4_000_000_000
    private static let maxBatch = 32
    private static let longestBatchNanoseconds: UInt64 = 10_000_000
    private static let measuringNanoseconds: UInt64 = 40_000_000
    private static let pixelsAtOnce = 8_000_000
    /// The pixels of all images of a request, and of all passes over them, are at most so many times an image's.
    private static let maxLargeImages = 20

    init(_ predictors: [Predictor], _ budget: DecodingBudget) {
        self.predictors = predictors
        self.budget = budget
        rowsAtOnce = predictors.map { predictor in
            let multiplyAdds = max(1, predictor.model.plan.multiplyAdds)
            return max(1, min(Self.imagesAtOnce, Self.multiplyAddsAtOnce / multiplyAdds))
        }
        fastestBatches = predictors.map { _ in 1 }
        nanosecondsPerRow = predictors.map { _ in .max }
    }

    /// Runs a model once, so that its memory is there and its answers are numbers before the first request.
    func warm(_ model: Int) throws {
        let predictor = predictors[model]
        let input = [Float](repeating: 0.5, count: predictor.model.inputCount)
        guard predictor.logits(of: input, count: 1).allSatisfy(\.isFinite) else {
            throw ModelServiceError.notFinite(model: predictor.model.description.name)
        }
        (fastestBatches[model], nanosecondsPerRow[model]) = Self.measure(predictor)
    }

    func giveBackMemory() { for predictor in predictors { predictor.giveBackMemory() } }

    func fastestBatch(model: Int) -> Int { fastestBatches[model] }

    func nanosecondsPerRow(model: Int) -> UInt64 { nanosecondsPerRow[model] }

    /// Times batches of twice as many rows each, until one takes so long that it would hold up those who wait for a thread, or
    /// the time for it is over.
    private static func measure(_ predictor: Predictor) -> (fastestBatch: Int, nanosecondsPerRow: UInt64) {
        let start = SystemClock.monotonicNanoseconds()
        var best = (rows: 1, nanosecondsPerRow: Double.infinity)
        var alone = UInt64.max
        var rows = 1
        while rows <= maxBatch {
            let input = [Float](repeating: 0.5, count: rows * predictor.model.inputCount)
            var least = UInt64.max
            for _ in 0..<3 {
                let begun = SystemClock.monotonicNanoseconds()
                _ = predictor.numbers(of: input, count: rows)
                let end = SystemClock.monotonicNanoseconds()
                least = min(least, end - begun)
                if end - start > measuringNanoseconds { break }
            }
            if rows == 1 { alone = least }
            let perRow = Double(least) / Double(rows)
            // A larger batch has to be worth it.
            if perRow < best.nanosecondsPerRow * 0.97 { best = (rows, perRow) }
            if least > longestBatchNanoseconds { break }
            if SystemClock.monotonicNanoseconds() - start > measuringNanoseconds { break }
            rows *= 2
        }
        return (best.rows, alone)
    }

    func classify(
        model: Int, images: [[UInt8]], views: RequestedViews
    ) throws -> [Result<Classification, any Error>] {
        let predictor = predictors[model]
        let costs = images.map(predictor.cost)
        try checkWork(costs, predictor.limits)
        var results: [Result<Classification, any Error>] = []
        // One to begin with: how long it takes on this machine shows how many are done before one looks again.
        var imagesAtOnce = 1
        while results.count < images.count {
            try checkInterest()
            let start = SystemClock.monotonicNanoseconds()
            let first = results.count
            if let refusal = budget.refusal(of: costs[first].bytes) {
                results.append(.failure(refusal))
                continue
            }
            var end = first + 1
            var pixels = costs[first].pixels
            while end < images.count, end - first < imagesAtOnce, costs[end].bytes <= budget.total,
                pixels + costs[end].pixels <= Self.pixelsAtOnce
            {
                pixels += costs[end].pixels
                end += 1
            }
            // One is decoded after the other.
            let bytes = costs[first..<end].reduce(0) { max($0, $1.bytes) }
            let answers = try budget.with(bytes, for: interest) {
                predictor.predict(batch: Array(images[first..<end]), views: ViewCount(views))
            }
            results += answers.map { $0.map(Classification.init).mapError(refusal) }
            let elapsed = SystemClock.monotonicNanoseconds() - start
            let most = max(1, rowsAtOnce[model] / views.rawValue)
            if elapsed < 100_000_000 { imagesAtOnce = min(2 * imagesAtOnce, most) }
            if elapsed > 400_000_000 { imagesAtOnce = max(imagesAtOnce / 2, 1) }
        }
        return results
    }

    private func checkInterest() throws {
        if !interest.isWanted { throw InferenceRefusal.unwanted }
    }

    /// Refuses images that are too much work together.
    private func checkWork(_ costs: [ImageCost], _ limits: ImageLimits) throws {
        let most = limits.maxPixels * Self.maxLargeImages
        var sum = 0
        for cost in costs {
            sum = sum.addingReportingOverflow(cost.pixels).overflow ? .max : sum + cost.pixels
            if sum > most {
                throw InferenceRefusal.tooLarge(
                    "the images of a request have \(most) pixels together at most, each pass of a JPEG counted")
            }
        }
    }

    func classify(model: Int, pixels: [UInt8]) throws -> [Classification] {
        let input = predictors[model].model.description.input
        return try inParts(of: pixels, count: input.width * input.height * input.channels, rows: rowsToBegin(model)) {
            try predictors[model].predict(pixels: $0).map(Classification.init)
        }
    }

    func run(model: Int, rows: Int, input: [Float]) throws -> [Float] {
        let count = input.count / max(rows, 1)
        return try inParts(of: input, count: count, rows: rowsToBegin(model)) {
            predictors[model].numbers(of: $0, count: $0.count / count)
        }
    }

    private func rowsToBegin(_ model: Int) -> Int { max(rowsAtOnce[model], fastestBatches[model]) }

    func run(model: Int, images: [[UInt8]]) throws -> [Float] {
        let predictor = predictors[model]
        let costs = images.map(predictor.cost)
        try checkWork(costs, predictor.limits)
        return try zip(images, costs).flatMap { image, cost in
            try checkInterest()
            if let refused = budget.refusal(of: cost.bytes) { throw refused }
            do {
                return try budget.with(cost.bytes, for: interest) {
                    try predictor.tensors(of: image).flatMap { $0.tensor.floats() }
                }
            } catch {
                throw refusal(error)
            }
        }
    }

    /// Works on some rows at a time, so many that a part takes some hundredths of a second, and looks between the parts
    /// whether the answer is still wanted.
    ///
    /// - Parameters:
    ///   - count: Numbers of a row.
    ///   - rows: Rows to begin with.
    private func inParts<Number, Answer>(
        of input: [Number], count: Int, rows: Int, _ body: ([Number]) throws -> [Answer]
    ) throws -> [Answer] {
        var rowsAtOnce = rows
        if input.count <= rowsAtOnce * count { return try body(input) }
        var answers: [Answer] = []
        var first = 0
        while first < input.count {
            try checkInterest()
            let end = min(input.count, first + rowsAtOnce * count)
            let start = SystemClock.monotonicNanoseconds()
            answers += try body(Array(input[first..<end]))
            if SystemClock.monotonicNanoseconds() - start < 20_000_000 { rowsAtOnce *= 2 }
            first = end
        }
        return answers
    }

    func prepared(model: Int, image: [UInt8]) throws -> [UInt8] {
        do {
            let predictor = predictors[model]
            let cost = predictor.cost(of: image)
            try checkWork([cost], predictor.limits)
            return try budget.with(cost.bytes, for: interest) { try ImageEncoder.png(predictor.prepared(image)) }
        } catch {
            throw refusal(error)
        }
    }

    func upright(
        model: Int, image: [UInt8], views: RequestedViews
    ) throws -> (bytes: [UInt8], mediaType: String, Classification) {
        do {
            let predictor = predictors[model]
            let cost = ImageCost(of: image, reducesRows: false)
            try checkWork([cost], predictor.limits)
            return try budget.with(cost.bytes, for: interest) { try turned(image, predictor, views) }
        } catch {
            throw refusal(error)
        }
    }

    private func turned(
        _ image: [UInt8], _ predictor: Predictor, _ views: RequestedViews
    ) throws -> (bytes: [UInt8], mediaType: String, Classification) {
        let prediction = try predictor.predict(batch: [image], views: ViewCount(views))[0].get()
        try checkInterest()
        guard let rotation = prediction.rotation else {
            throw InferenceRefusal.unusableImage("the model does not tell how photos are turned")
        }
        let turned = try rotation.upright(image, options: TurningOptions(limits: predictor.limits))
        let format = turned.bytes.withUnsafeBytes { ImageFormat.recognised(in: $0) } ?? .jpeg
        return (turned.bytes, format.mediaType, Classification(prediction))
    }
}

extension ViewCount {
    fileprivate init(_ views: RequestedViews) {
        switch views {
        case .one: self = .one
        case .four: self = .four
        }
    }
}

extension Classification {
    fileprivate init(_ prediction: Prediction) {
        self.init(
            classIndex: prediction.classIndex, scores: prediction.scores,
            exifDegrees: prediction.orientation.quarterTurnsCounterclockwise * 90)
    }
}

/// What the client is told of an image that can't be answered.
private func refusal(_ error: any Error) -> any Error {
    switch error {
    case let error as ImageError:
        switch error {
        case .empty, .unrecognised, .unread: InferenceRefusal.notAnImage(error.description)
        case .tooManyBytes, .tooManyPixels: InferenceRefusal.tooLarge(error.description)
        default: InferenceRefusal.unusableImage(error.description)
        }
    case let error as InferenceError where error.code != nil: InferenceRefusal.unusableImage(error.description)
    default: error
    }
}
