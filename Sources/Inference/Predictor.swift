// SPDX-License-Identifier: MIT

import Images
import Layers
import Tensors

/// Answers images with predictions: one model and the memory of one caller. Used by one caller at a time.
public final class Predictor {
    /// The model that answers.
    public let model: LoadedModel
    /// What an image file may take.
    public let limits: ImageLimits
    private let session: Session
    private var inputs: [Float] = []
    private var logits: [Float] = []

    /// Takes the memory and starts the threads.
    ///
    /// - Parameters:
    ///   - threads: Threads that share the work of one run.
    /// - Throws: An error of the system if it gives no more threads.
    public convenience init(_ model: LoadedModel, threads: Int = 1, limits: ImageLimits = ImageLimits()) throws {
        try self.init(model, limits: limits, Session(model.plan, threads: threads))
    }

    private init(_ model: LoadedModel, limits: ImageLimits, _ session: Session) {
        self.model = model
        self.limits = limits
        self.session = session
    }

    /// Predictors of several models for one caller, who uses one at a time: all have the memory that the largest needs.
    ///
    /// - Throws: An error of the system if it gives no memory.
    public static func takingTurns(_ models: [LoadedModel], limits: ImageLimits = ImageLimits()) throws -> [Predictor] {
        let memory = SessionMemory(for: models.map(\.plan))
        return try models.map { Predictor($0, limits: limits, try Session($0.plan, memory: memory)) }
    }

    /// Gives the kernel the memory that is not needed between answers, for a time without any; see ``Session/giveBackMemory()``.
    public func giveBackMemory() { session.giveBackMemory() }

    /// Answers one encoded image.
    ///
    /// - Throws: `ImageError` or `InferenceError`.
    public func predict(_ bytes: [UInt8]) throws -> Prediction {
        try predict(batch: [bytes])[0].get()
    }

    /// Answers encoded images, a bad one without harm to the others.
    ///
    /// - Parameter views: How a rotation model looks at each image.
    /// - Returns: A prediction or an error for each image, in order.
    public func predict(batch: [[UInt8]], views: ViewCount = .one) -> [Result<Prediction, any Error>] {
        let prepared = batch.map { bytes in
            Result {
                try checkAnswers(views)
                return try model.preprocessor.prepared(bytes, limits: limits)
            }
        }
        return predict(prepared: prepared, views)
    }

    /// - Throws: `InferenceError` if the model can't say what is on an image, or not in so many views.
    func checkAnswers(_ views: ViewCount) throws {
        try model.checkIsClassifier()
        if views == .four { try model.checkFourViews() }
    }

    /// Answers images that have been prepared, or tells why they could not be.
    func predict(
        prepared: [Result<PreparedImage, any Error>], _ views: ViewCount
    ) -> [Result<Prediction, any Error>] {
        let answers = answers(prepared.compactMap { try? $0.get() }.map(\.pixels), views)
        var next = 0
        return prepared.map { result in
            result.flatMap { image in
                defer { next += 1 }
                let answer = answers[next]
                return Result { try Prediction(model: model, logits: answer, orientation: image.orientation) }
            }
        }
    }

    /// The picture as the network sees it: prepared, in 8 bits.
    ///
    /// - Throws: `ImageError` or `InferenceError`.
    public func prepared(_ bytes: [UInt8]) throws -> Image {
        try model.preprocessor.prepared(bytes, limits: limits).pixels
    }

    /// Answers grey pixels in MNIST's form, or other pixels just as the network takes them before they are normalised.
    ///
    /// - Parameters:
    ///   - pixels: height x width x channels values of 0 to 255, one image after the other.
    /// - Throws: `InferenceError.wrongPixelCount` if that is no whole number of images.
    public func predict(pixels: [UInt8]) throws -> [Prediction] {
        try logits(pixels: pixels).map { try Prediction(model: model, logits: $0, orientation: .up) }
    }

    /// The network's answers to such pixels, before the softmax.
    ///
    /// - Throws: `InferenceError.wrongPixelCount` if that is no whole number of images.
    package func logits(pixels: [UInt8]) throws -> [[Float]] {
        try model.checkIsClassifier()
        let input = model.description.input
        let count = model.preprocessor.count
        guard !pixels.isEmpty, pixels.count % count == 0 else {
            throw InferenceError.wrongPixelCount(expected: count, actual: pixels.count)
        }
        let format: PixelFormat = input.channels == 1 ? .gray8 : .rgb8
        let images = try stride(from: 0, to: pixels.count, by: count).map { first in
            try Image(
                width: input.width, height: input.height, format: format,
                pixels: Array(pixels[first..<(first + count)]))
        }
        return run(images)
    }

    /// Runs the network on numbers just as it takes them, normalised and channels first.
    ///
    /// Shape: [count, C, H, W] → [count, classes], Float32; the first output's numbers where there are several. Of several
    /// inputs each row has all, one behind the other.
    ///
    /// - Precondition: `input` holds `count` inputs.
    public func logits(of input: [Float], count: Int) -> [Float] {
        guard model.plan.inputs.count == 1, model.plan.outputs.count == 1,
            model.plan.outputs[0].elementType == .float32
        else {
            return rows(of: input, count: count).flatMap { $0[0].floats() }
        }
        var output = [Float](repeating: 0, count: count * model.plan.outputShape.elementCount)
        input.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                session.run(input, count: count, layout: .channelsFirst, output: output)
            }
        }
        return output
    }

    /// Runs the network on numbers just as it takes them.
    ///
    /// - Returns: For each row all outputs, one behind the other.
    /// - Precondition: `input` holds `count` rows: in each all inputs, one behind the other.
    package func numbers(of input: [Float], count: Int) -> [Float] {
        let plan = model.plan
        if plan.inputs.count == 1, plan.outputs.count == 1 { return logits(of: input, count: count) }
        guard plan.outputs.allSatisfy({ $0.elementType == .float32 }) else {
            return rows(of: input, count: count).flatMap { $0.flatMap { $0.floats() } }
        }
        return session.run(rows: input, count: count)
    }

    /// All outputs of each row.
    private func rows(of input: [Float], count: Int) -> [[Tensor]] {
        let size = model.inputCount
        return (0..<count).map { tensors(of: input[($0 * size)..<(($0 + 1) * size)]) }
    }

    /// All that the network answers to one encoded image.
    ///
    /// - Returns: A tensor for each output, with a batch of 1, under the names that the file has for them.
    /// - Throws: `ImageError` or `InferenceError`.
    public func tensors(of bytes: [UInt8]) throws -> [(name: String, tensor: Tensor)] {
        let input = try model.preprocessor.tensor(of: bytes, limits: limits)
        return Array(zip(model.plan.outputs.map(\.name), tensors(of: input.floats()[...])))
    }

    /// All outputs for one row of what the network takes.
    private func tensors(of row: ArraySlice<Float>) -> [Tensor] {
        var rest = row
        let inputs = model.plan.inputs.map { port in
            defer { rest = rest.dropFirst(port.shape.elementCount) }
            return Tensor(Array(rest.prefix(port.shape.elementCount)), shape: port.shape)
        }
        do {
            return try session.run(inputs: inputs)
        } catch {
            preconditionFailure("a model's own input was refused: \(error)")
        }
    }

    /// The logits of images that are prepared already, each seen once or in its four turns.
    private func answers(_ images: [Image], _ views: ViewCount) -> [[Float]] {
        guard views == .four, let combination = model.rotationViews else { return run(images) }
        let logits = run(images.flatMap(RotationViews.views))
        return images.indices.map { image in
            combination.combined(Array(logits[(image * RotationViews.count)..<((image + 1) * RotationViews.count)]))
        }
    }

    /// The logits of images that are prepared already.
    private func run(_ images: [Image]) -> [[Float]] {
        guard !images.isEmpty else { return [] }
        let count = model.preprocessor.count
        let classes = model.plan.outputShape.elementCount
        if inputs.count < images.count * count { inputs = [Float](repeating: 0, count: images.count * count) }
        if logits.count < images.count * classes { logits = [Float](repeating: 0, count: images.count * classes) }
        inputs.withUnsafeMutableBufferPointer { buffer in
            for (index, image) in images.enumerated() {
                model.preprocessor.write(
                    image, to: UnsafeMutableBufferPointer(rebasing: buffer[(index * count)..<((index + 1) * count)]))
            }
            logits.withUnsafeMutableBufferPointer { logits in
                // An image whose channels are last in the network's own input is given as the network has it.
                let layout: Session.Layout = model.description.input.layout == .nhwc ? .channelsFirst : .channelsLast
                session.run(UnsafeBufferPointer(buffer), count: images.count, layout: layout, output: logits)
            }
        }
        return images.indices.map { Array(logits[($0 * classes)..<(($0 + 1) * classes)]) }
    }

    /// What decoding an image takes.
    package func cost(of bytes: [UInt8]) -> ImageCost {
        ImageCost(of: bytes, reducesRows: model.description.input.preprocessing == .photo)
    }
}
