// SPDX-License-Identifier: MIT

import Images

/// What a rotation model says of a photo: how it lies, and what would put it upright.
///
/// All angles are counter-clockwise degrees. The photo is judged as its EXIF orientation shows it.
public struct Rotation: Sendable, Equatable {
    /// By how much the photo is turned: 0, 90, 180 or 270.
    public let nowDirection: Int
    /// By how much it must be turned to stand upright: 360 - `nowDirection`, so 360 for an upright photo.
    public var modelDegree: Int { 360 - nowDirection }
    /// By how much its EXIF data have it turned to be seen, mirroring left aside: 0, 90, 180 or 270.
    public let exifDegree: Int
    /// The probability of the answer, 0 to 1.
    public let confidence: Float

    /// Nil unless `nowDirection` is a multiple of 90 from 0 to 270.
    public init?(nowDirection: Int, orientation: EXIFOrientation, confidence: Float) {
        guard [0, 90, 180, 270].contains(nowDirection) else { return nil }
        self.nowDirection = nowDirection
        self.confidence = confidence
        exifDegree = orientation.quarterTurnsCounterclockwise * 90
    }

    /// Whether the photo, seen as its EXIF orientation shows it, stands upright already.
    public var isUpright: Bool { nowDirection == 0 }

    /// The photo's file put upright: with its EXIF orientation applied, then turned by `modelDegree`, and saying that it
    /// is upright. A file that is seen upright already is left as it is, whatever its EXIF data ask for.
    ///
    /// This is the one piece that puts photos upright; commands and servers hand it bytes and take bytes.
    ///
    /// - Throws: `ImageError`.
    public func upright(
        _ bytes: [UInt8], options: TurningOptions = TurningOptions()
    ) throws(ImageError) -> TurnedFile {
        if isUpright { return TurnedFile(bytes: bytes, change: .none) }
        return try ImageTurner.turned(bytes, quarterTurnsCounterclockwise: modelDegree / 90, options: options)
    }
}

extension Prediction {
    /// The answer as a rotation, if the model's labels are degrees: "0", "90", "180", "270".
    public var rotation: Rotation? {
        guard Rotation.areDegrees(labels), let degrees = Int(label) else { return nil }
        return Rotation(nowDirection: degrees, orientation: orientation, confidence: confidence)
    }
}

extension Rotation {
    /// Whether a model with these labels answers with rotations. This is the one place that says what a rotation model is.
    public static func areDegrees(_ labels: [String]) -> Bool {
        !labels.isEmpty && labels.allSatisfy { ["0", "90", "180", "270"].contains($0) }
    }
}
