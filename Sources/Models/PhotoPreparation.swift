// SPDX-License-Identifier: MIT

/// How a photo becomes the input of a network that was trained as its library trains it.
public struct PhotoPreparation: Sendable, Equatable {
    /// Side of the square input in pixels.
    public let side: Int
    /// The length that the shorter side is brought to before the input is cut out of the middle; nil if both sides are brought
    /// to the input's, whatever their ratio.
    public let shortSide: Int?
    /// Whether pixels are interpolated by cubics rather than linearly.
    public let isBicubic: Bool
    /// Taken from each channel of values 0 to 1.
    public let mean: [Float]
    /// What each channel is divided by then.
    public let std: [Float]

    private static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
    private static let imageNetStd: [Float] = [0.229, 0.224, 0.225]
    private static let half: [Float] = [0.5, 0.5, 0.5]
    private static let clipMean: [Float] = [0.48145466, 0.4578275, 0.40821073]
    private static let clipStd: [Float] = [0.26862954, 0.26130258, 0.27577711]

    /// With the mean and the deviation of ImageNet's photos.
    static func imageNet(_ side: Int, shortSide: Int?, isBicubic: Bool = false) -> PhotoPreparation {
        PhotoPreparation(
            side: side, shortSide: shortSide, isBicubic: isBicubic, mean: imageNetMean, std: imageNetStd)
    }

    /// To values of -1 to 1, as TensorFlow's networks have it.
    static func halves(_ side: Int, shortSide: Int?, isBicubic: Bool = true) -> PhotoPreparation {
        PhotoPreparation(side: side, shortSide: shortSide, isBicubic: isBicubic, mean: half, std: half)
    }

    /// With the mean and the deviation of CLIP's photos.
    static func clip(_ side: Int, shortSide: Int?) -> PhotoPreparation {
        PhotoPreparation(side: side, shortSide: shortSide, isBicubic: true, mean: clipMean, std: clipStd)
    }
}
