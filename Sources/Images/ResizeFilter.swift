// SPDX-License-Identifier: MIT

/// How a resized sample is computed from its neighbourhood, as in Pillow's `Image.Resampling`.
///
/// When a side shrinks, the filter is widened by the same factor, so every source pixel counts (antialiasing).
public enum ResizeFilter: Sendable, Equatable, CaseIterable {
    /// Mean of the pixels that a new pixel covers.
    case box
    /// Triangle of radius 1: linear interpolation.
    case bilinear
    /// Cubic of radius 2 with a = -0.5.
    case bicubic

    /// Radius in source pixels where nothing shrinks.
    var support: Double {
        switch self {
        case .box: 0.5
        case .bilinear: 1
        case .bicubic: 2
        }
    }

    /// The weight of a source pixel at `distance` from the centre, in units of the widened radius.
    func weight(at distance: Double) -> Double {
        let x = distance.magnitude
        switch self {
        case .box:
            return distance > -0.5 && distance <= 0.5 ? 1 : 0
        case .bilinear:
            return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        }
    }
}

/// Which side is resized first. Each pass rounds to 8 bits, so the order shows in the last bit of some samples.
public enum ResizePassOrder: Sendable, Equatable, CaseIterable {
    /// Pillow 13.0: rows first where the height shrinks by more than twice as many pixels as the width, else columns.
    case pillow13
    /// Pillow up to 12: always along the rows (the width) first.
    case horizontalFirst

    func resizesHeightFirst(from source: (width: Int, height: Int), to target: (width: Int, height: Int)) -> Bool {
        switch self {
        case .horizontalFirst: false
        case .pillow13:
            target.height < source.height && source.height - target.height > 2 * (source.width - target.width)
        }
    }
}
