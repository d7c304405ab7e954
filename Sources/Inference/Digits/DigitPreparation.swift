// SPDX-License-Identifier: MIT

import Images

/// Brings a picture of a digit into the form of MNIST's: 28x28 grey values, bright ink on black, the ink scaled to fit
/// 20x20 and centred by its mass.
///
/// - Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", on how it was made.
public struct DigitPreparation: Sendable {
    /// Longest side that is looked at; larger pictures are reduced to it first, which also averages noise away.
    package static let workingSide = 360
    /// Shortest longest side that is looked at; smaller pictures are enlarged first, so that strokes are some pixels wide.
    static let smallestSide = 112

    /// Prepares a picture.
    ///
    /// A 28x28 grey image with a dark border passes unchanged: it is in MNIST's form already.
    ///
    /// - Returns: 28 x 28 grey values.
    /// - Throws: `InferenceError.noDigit` if nothing on the picture may be one, `.severalDigits` if it shows more than one.
    public static func prepared(_ image: Image) throws -> Image {
        if isMNISTForm(image) { return image }
        let working = resized(onPaper(image))
        let (width, height) = (working.width, working.height)
        let finder = DigitFinder(width: width, height: height)
        let channels = channels(of: working)
        let areInksDark = InkPolarity.areInksDark(channels, width: width, height: height)
        for isOpposite in [false, true] {
            let dark = zip(channels, areInksDark).map { $1 != isOpposite ? $0 : $0.map { ~$0 } }
            let depths = PaperEstimate.depths(channels: dark, width: width, height: height)
            switch finder.find(in: depths) {
            case .digit(let ink):
                return try Image(
                    width: DigitForm.side, height: DigitForm.side, format: .gray8, pixels: DigitForm.pixels(of: ink))
            case .several: throw InferenceError.severalDigits
            case .nothing: continue
            }
        }
        throw InferenceError.noDigit
    }

    private static func isMNISTForm(_ image: Image) -> Bool {
        let side = DigitForm.side
        guard image.width == side, image.height == side, image.format == .gray8 else { return false }
        var border: [UInt8] = []
        for place in 0..<side {
            for (x, y) in [(place, 0), (place, side - 1), (0, place), (side - 1, place)] {
                border.append(image.pixels[y * side + x])
            }
        }
        return border.count { $0 < 64 } * 10 >= border.count * 9 && image.pixels.contains { $0 >= 128 }
    }

    /// What is transparent becomes paper, white under dark ink and black under bright.
    private static func onPaper(_ image: Image) -> Image {
        guard image.format.hasAlpha else { return image }
        let pixels = image.converted(to: .rgba8).pixels
        var (sum, weight) = (0, 0)
        for index in stride(from: 0, to: pixels.count, by: 4) {
            let alpha = Int(pixels[index + 3])
            sum += (Int(pixels[index]) + Int(pixels[index + 1]) + Int(pixels[index + 2])) * alpha
            weight += 3 * alpha
        }
        let isBright = weight > 0 && sum / weight >= 128
        return image.composited(overGray: isBright ? 0 : 255)
    }

    private static func resized(_ image: Image) -> Image {
        let longest = max(image.width, image.height)
        if longest > workingSide {
            func scaled(_ size: Int) -> Int { max(1, (size * workingSide + longest / 2) / longest) }
            return image.resized(width: scaled(image.width), height: scaled(image.height))
        }
        guard longest < smallestSide else { return image }
        let factor = (smallestSide + longest - 1) / longest
        return image.resized(width: image.width * factor, height: image.height * factor)
    }

    /// The picture's planes: one if it is grey.
    private static func channels(of image: Image) -> [[UInt8]] {
        let count = image.format.channels
        guard count > 1 else { return [image.pixels] }
        let planes = (0..<count).map { channel in
            [UInt8](unsafeUninitializedCapacity: image.width * image.height) { plane, initialized in
                initialized = image.width * image.height
                image.pixels.withUnsafeBufferPointer { pixels in
                    for index in 0..<initialized { plane[index] = pixels[index * count + channel] }
                }
            }
        }
        return planes.dropFirst().allSatisfy { $0 == planes[0] } ? [planes[0]] : planes
    }
}
