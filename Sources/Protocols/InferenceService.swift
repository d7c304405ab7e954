// SPDX-License-Identifier: MIT

/// What a model says of one image.
package struct Classification: Equatable, Sendable {
    /// The index of the likeliest class.
    package let classIndex: Int
    /// The probability of each class.
    package let scores: [Float]
    /// How far the image's EXIF data had it turned, in degrees counter-clockwise; 0 without such data.
    package let exifDegrees: Int

    package init(classIndex: Int, scores: [Float], exifDegrees: Int = 0) {
        self.classIndex = classIndex
        self.scores = scores
        self.exifDegrees = exifDegrees
    }
}

/// An input that a model can't answer.
package enum InferenceRefusal: Error, Equatable, Sendable {
    /// The bytes are of no image format that the server reads: 415.
    case notAnImage(String)
    /// An image that can't be decoded or holds nothing to classify: 422.
    case unusableImage(String)
    /// More pixels than the limit: 413.
    case tooLarge(String)
    /// Images take more memory than there is now: 503.
    case noMemory(String)
    /// Nobody waits for the answer any more.
    case unwanted
}

/// The models of this process. Immutable: other models mean other workers.
package protocol InferenceService: Sendable {
    /// What is served; the newest version of a name first.
    var models: [ServedModel] { get }

    /// Makes what one thread needs to run the models; called on that thread.
    func makeRunner() throws -> any InferenceRunner
}

/// Runs the models for one thread. `model` is an index into the service's `models`.
///
/// Between images, and between parts of a batch, it looks whether the answer is still wanted, and throws
/// ``InferenceRefusal/unwanted`` if it is not.
package protocol InferenceRunner: AnyObject {
    /// Whether the answer to the present request is wanted.
    var interest: WorkInterest { get set }

    /// Gives the kernel the memory that is not needed between requests, for a time without any.
    func giveBackMemory()

    /// How many rows of a model take the least time each when they run together, as measured on this machine; at least one.
    func fastestBatch(model: Int) -> Int

    /// How many nanoseconds a row of a model takes by itself, as measured on this machine.
    func nanosecondsPerRow(model: Int) -> UInt64

    /// Classifies encoded images, a bad one without harm to the others.
    ///
    /// - Parameter views: Four only for a model that takes them; see ``RequestedViews/check(_:)``.
    func classify(model: Int, images: [[UInt8]], views: RequestedViews) throws -> [Result<Classification, any Error>]

    /// Classifies pixels in the model's own size, 0...255, channels last, one image after the other.
    func classify(model: Int, pixels: [UInt8]) throws -> [Classification]

    /// Runs the network on numbers as it takes them, in the order of the model's input shape.
    ///
    /// - Returns: As many rows; in each, the model's outputs one behind the other.
    func run(model: Int, rows: Int, input: [Float]) throws -> [Float]

    /// Runs the network on encoded images, a bad one of which is an error.
    ///
    /// - Returns: A row for each; in it, the model's outputs one behind the other.
    func run(model: Int, images: [[UInt8]]) throws -> [Float]

    /// What a model's network sees of an image: cut, scaled and centred, before its numbers are normalised.
    ///
    /// - Returns: A PNG file.
    func prepared(model: Int, image: [UInt8]) throws -> [UInt8]

    /// Turns an image upright.
    ///
    /// - Parameter views: As for ``classify(model:images:views:)``.
    /// - Returns: The encoded image, its media type, and what the model said.
    func upright(
        model: Int, image: [UInt8], views: RequestedViews
    ) throws -> (bytes: [UInt8], mediaType: String, Classification)
}

extension InferenceRunner {
    /// Classifies encoded images, each seen once.
    package func classify(model: Int, images: [[UInt8]]) throws -> [Result<Classification, any Error>] {
        try classify(model: model, images: images, views: .one)
    }

    /// The scores of all images.
    package func run(model: Int, images: [[UInt8]]) throws -> [Float] {
        try classify(model: model, images: images).flatMap { try $0.get().scores }
    }
}
