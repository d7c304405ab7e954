// SPDX-License-Identifier: MIT

import Images

extension ModelDescription.Input {
    /// How a photo comes to the size of the network's input.
    public struct Resize: Sendable, Equatable {
        /// What is brought to a size.
        public enum Mode: String, Sendable, CaseIterable {
            /// Both sides, whatever their ratio.
            case stretch
            /// The shorter side, to `size`; the other keeps the ratio. The middle is cut out then.
            case shortSide = "short_side"
            /// The longer side, to the input's; the rest is padded with grey.
            case pad
        }

        /// How new pixels are made of old ones, as Pillow does it.
        public enum Interpolation: String, Sendable, CaseIterable {
            case nearest
            case bilinear
            case bicubic
        }

        /// What is brought to a size.
        public var mode: Mode
        /// The shorter side's new length in pixels, for `short_side`.
        public var size: Int?
        /// How new pixels are made; bilinearly where it is not said.
        public var interpolation: Interpolation?

        /// Describes it.
        public init(mode: Mode, size: Int? = nil, interpolation: Interpolation? = nil) {
            self.mode = mode
            self.size = size
            self.interpolation = interpolation
        }

        /// The same way to another size: in the ratio of its sides, or both sides at once where the new one is no square.
        func scaled(from old: (height: Int, width: Int), to new: (height: Int, width: Int)) -> Resize? {
            guard mode == .shortSide, let size else { return self }
            guard old.height == old.width, new.height == new.width else {
                return interpolation.map { Resize(mode: .stretch, interpolation: $0) }
            }
            return Resize(mode: .shortSide, size: new.height * size / old.height, interpolation: interpolation)
        }

        /// What contradicts itself, if anything does.
        func fault(for input: ModelDescription.Input) -> String? {
            guard mode == .shortSide else {
                return size == nil ? nil : "input.resize.size belongs to the mode short_side"
            }
            guard let size, size >= max(input.width, input.height), size <= 8192 else {
                return
                    "input.resize.size (--resize) must be \(max(input.width, input.height)) to 8192: the input is cut out of it"
            }
            return nil
        }
    }
}

extension Image {
    /// The picture in the size of a network's input.
    func brought(to input: ModelDescription.Input) -> Image {
        let resize = input.resize ?? .init(mode: .stretch)
        let interpolation = resize.interpolation ?? .bilinear
        switch resize.mode {
        case .stretch:
            return resized(width: input.width, height: input.height, by: interpolation)
        case .shortSide:
            let short = resize.size ?? min(input.width, input.height)
            // As torchvision: the long side is rounded down, the middle to the nearest, halves to the even.
            let size: (width: Int, height: Int) =
                width <= height ? (short, short * height / width) : (short * width / height, short)
            let scaled = resized(width: size.width, height: size.height, by: interpolation)
            let left = (Double(scaled.width - input.width) / 2).rounded(.toNearestOrEven)
            let top = (Double(scaled.height - input.height) / 2).rounded(.toNearestOrEven)
            return scaled.cropped(
                left: Int(left), top: Int(top), width: min(input.width, scaled.width),
                height: min(input.height, scaled.height))
        case .pad:
            let ratio = min(Double(input.width) / Double(width), Double(input.height) / Double(height))
            let size = (
                width: min(input.width, max(1, Int((Double(width) * ratio).rounded()))),
                height: min(input.height, max(1, Int((Double(height) * ratio).rounded())))
            )
            return resized(width: size.width, height: size.height, by: interpolation)
                .padded(toWidth: input.width, height: input.height, value: 114)
        }
    }

    private func resized(width: Int, height: Int, by interpolation: ModelDescription.Input.Resize.Interpolation)
        -> Image
    {
        switch interpolation {
        case .nearest: resizedToNearest(width: width, height: height)
        case .bilinear: resized(width: width, height: height)
        case .bicubic: resized(width: width, height: height, filter: .bicubic)
        }
    }
}
