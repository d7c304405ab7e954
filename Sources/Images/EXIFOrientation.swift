// SPDX-License-Identifier: MIT

/// Which way a camera was held: the EXIF orientation tag. Names tell where the top of the scene is in the stored rows.
///
/// - Source: EXIF 2.32, tag 0x0112.
public enum EXIFOrientation: Int, Sendable, Equatable, CaseIterable {
    /// 1: the stored picture is upright.
    case up = 1
    /// 2: upright, left and right exchanged.
    case upMirrored = 2
    /// 3: turned by 180 degrees.
    case down = 3
    /// 4: top and bottom exchanged.
    case downMirrored = 4
    /// 5: transposed along the diagonal from the top left.
    case leftMirrored = 5
    /// 6: must be turned clockwise by 90 degrees to be seen upright.
    case right = 6
    /// 7: transposed along the diagonal from the top right.
    case rightMirrored = 7
    /// 8: must be turned counter-clockwise by 90 degrees to be seen upright.
    case left = 8

    /// Whether left and right must be exchanged, before turning, to see the picture upright.
    public var isMirrored: Bool {
        switch self {
        case .up, .down, .left, .right: false
        case .upMirrored, .downMirrored, .leftMirrored, .rightMirrored: true
        }
    }

    /// By how many quarter turns, counter-clockwise and after mirroring, the stored picture must be turned: 0 to 3.
    public var quarterTurnsCounterclockwise: Int {
        switch self {
        case .up, .upMirrored: 0
        case .left, .leftMirrored: 1
        case .down, .downMirrored: 2
        case .right, .rightMirrored: 3
        }
    }

    /// The orientation of pixels that `turning` would put upright.
    init(_ turning: Turning) {
        self =
            switch (turning.isMirrored, turning.quarterTurnsCounterclockwise) {
            case (false, 1): .left
            case (false, 2): .down
            case (false, 3): .right
            case (true, 0): .upMirrored
            case (true, 1): .leftMirrored
            case (true, 2): .downMirrored
            case (true, _): .rightMirrored
            default: .up
            }
    }
}
