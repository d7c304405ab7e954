// SPDX-License-Identifier: MIT

/// Finds the pieces of ink that are the picture's digit among specks, lines, edges and frames.
struct DigitFinder {
    /// What was found.
    enum Finding {
        /// One digit: which pixels are its ink, and the box around them.
        case digit(Ink)
        /// Nothing that may be a digit.
        case nothing
        /// Several of about one size, side by side or one above the other.
        case several

        var isNothing: Bool {
            if case .nothing = self { true } else { false }
        }
    }

    /// The ink of one digit.
    struct Ink {
        let width: Int
        let height: Int
        /// Depth on the digit's pixels, 0 elsewhere.
        let values: [UInt8]
        let strokeWidth: Double
    }

    let width: Int
    let height: Int
    /// Times that what is no digit is set aside to look again.
    private static let attempts = 4

    /// Looks for the digit: darkest ink first, then, with what is no digit set aside, fainter ink.
    func find(in depth: [UInt8]) -> Finding {
        var ink = depth
        var fallback: Ink?
        for _ in 0..<Self.attempts {
            guard let all = InkLevels(ink) else { break }
            let hadLines = PaperLines.remove(from: &ink, width: width, height: height, low: all.low)
            guard let levels = hadLines ? InkLevels(ink) : all else { break }
            for levels in [levels, levels.sure] {
                let finding = find(in: ink, levels, &fallback)
                if !finding.isNothing { return finding }
            }
            setAside(&ink, levels)
        }
        return fallback.map { .digit($0) } ?? .nothing
    }

    private func find(in ink: [UInt8], _ levels: InkLevels, _ fallback: inout Ink?) -> Finding {
        let pieces = InkPieces(ink: ink, width: width, height: height, low: levels.low, high: levels.high)
        let strokes = pieces.all.indices.filter { isStroke(pieces.all[$0]) }
        let shapes = ForeignShapes(pieces: pieces)
        let candidates = shapes.digits(among: strokes)
        guard let main = candidates.max(by: { weight(pieces.all[$0]) < weight(pieces.all[$1]) }) else {
            return .nothing
        }
        let foreign = Set(strokes).subtracting(candidates).filter { index in
            let piece = pieces.all[index]
            // What is no broader than the digit's stroke is a bit of it, however short.
            let isBit = piece.strokeWidth <= pieces.all[main].strokeWidth && shapes.isBlot(index)
            return piece.height * 4 >= piece.width && !isBit
        }
        let digit = group(around: main, without: foreign, in: pieces)
        let ink = joined(digit, of: pieces, ink)
        if isEdge(pieces.all[main]) {
            if fallback == nil, !pieces.all[main].coversSide { fallback = ink }
            return .nothing
        }
        if isOneOfSeveral(digit, of: candidates, in: pieces) { return .several }
        return .digit(ink)
    }

    /// Whether a piece is as large as a digit's.
    private func isStroke(_ piece: InkPieces.Piece) -> Bool {
        piece.longest * 20 >= max(width, height) && piece.area >= 4
    }

    /// How much a piece looks like the digit that was meant: large, dark, in the middle, away from the border.
    private func weight(_ piece: InkPieces.Piece) -> Double {
        let x = Double(piece.left + piece.right + 1 - width) / Double(width)
        let y = Double(piece.top + piece.bottom + 1 - height) / Double(height)
        let border = Double(piece.border) / Double(piece.longest)
        let size = Double(piece.height) + 0.5 * Double(piece.width)
        let weight: Double = size * Double(piece.mass).squareRoot()
        let far: Double = 1 + 2 * (x * x + y * y)
        return weight / far / (1 + 4 * border) * (isEdge(piece) ? 0.02 : 1)
    }

    /// Whether a piece runs along the picture's border, as a table's edge, a shadow or a frame does.
    private func isEdge(_ piece: InkPieces.Piece) -> Bool {
        guard piece.border > 0 else {
            return false
        }
        let along = Double(piece.border) / Double(piece.longest)
        return along > 0.5 || Double(piece.border) > 0.3 * Double(max(width, height)) || piece.sidesTouched >= 3
    }

    /// The pieces that belong to the digit: near it or within its box, and as dark.
    private func group(around main: Int, without foreign: Set<Int>, in pieces: InkPieces) -> [Int] {
        var box = pieces.all[main]
        var members = [main]
        let size = box.longest
        let darkness = Double(box.mass) / Double(box.area)
        var others = pieces.all.indices.filter { $0 != main && !foreign.contains($0) }
        var grew = true
        while grew {
            grew = false
            for (index, other) in others.enumerated().reversed() {
                let piece = pieces.all[other]
                guard piece.area * 100 >= box.area, piece.longest * 10 >= size,
                    !isEdge(piece) || piece.border * 4 < size,
                    Double(piece.mass) / Double(piece.area) > darkness * 0.4,
                    piece.strokeWidth < (isBar(over: piece, box) ? 3 : 2) * pieces.all[main].strokeWidth
                else { continue }
                let gapX = max(0, piece.left - box.right - 1, box.left - piece.right - 1)
                let gapY = max(0, piece.top - box.bottom - 1, box.top - piece.bottom - 1)
                let near = max(size, min(piece.longest, 2 * size))
                guard max(gapX, gapY) * 7 <= near || isBar(over: piece, box) else { continue }
                // A line under the digit, or over it, is no part of it.
                if gapY > 0, piece.height * 4 < piece.width, piece.width * 5 > box.width * 6 { continue }
                // Another digit beside this one is no part of it.
                let isAsLarge = piece.height * 10 >= size * 6 && gapX > 0
                if isAsLarge { continue }
                box.left = min(box.left, piece.left)
                box.right = max(box.right, piece.right)
                box.top = min(box.top, piece.top)
                box.bottom = max(box.bottom, piece.bottom)
                members.append(other)
                others.remove(at: index)
                grew = true
            }
        }
        return members
    }

    /// Whether one of two pieces is a five's bar, written apart from the body that it lies over.
    private func isBar(over piece: InkPieces.Piece, _ other: InkPieces.Piece) -> Bool {
        let (bar, body) = piece.top < other.top ? (piece, other) : (other, piece)
        let overlap = min(bar.right, body.right) - max(bar.left, body.left) + 1
        return bar.height * 2 < bar.width && body.height * 2 >= body.width
            && overlap * 4 >= min(bar.width, body.width) * 3 && body.width * 2 >= bar.width
            && (body.top - bar.bottom) * 5 <= bar.width * 2
    }

    private func joined(_ members: [Int], of pieces: InkPieces, _ ink: [UInt8]) -> Ink {
        let left = members.map { pieces.all[$0].left }.min() ?? 0
        let right = members.map { pieces.all[$0].right }.max() ?? 0
        let top = members.map { pieces.all[$0].top }.min() ?? 0
        let bottom = members.map { pieces.all[$0].bottom }.max() ?? 0
        var isMember = [Bool](repeating: false, count: pieces.all.count)
        for member in members { isMember[member] = true }
        let (boxWidth, boxHeight) = (right - left + 1, bottom - top + 1)
        var values = [UInt8](repeating: 0, count: boxWidth * boxHeight)
        for y in 0..<boxHeight {
            for x in 0..<boxWidth {
                let index = (top + y) * width + left + x
                let label = Int(pieces.labels[index])
                if label >= 0 && isMember[label] { values[y * boxWidth + x] = ink[index] }
            }
        }
        let (area, outline) = members.reduce((0, 0)) { ($0.0 + pieces.all[$1].area, $0.1 + pieces.all[$1].outline) }
        let strokeWidth = 2 * Double(area) / Double(max(1, outline))
        return Ink(width: boxWidth, height: boxHeight, values: values, strokeWidth: strokeWidth)
    }

    /// Whether another piece or group stands beside the digit that looks like a digit as well.
    private func isOneOfSeveral(_ members: [Int], of candidates: [Int], in pieces: InkPieces) -> Bool {
        let digit = members.map { pieces.all[$0] }
        let left = digit.map(\.left).min() ?? 0
        let right = digit.map(\.right).max() ?? 0
        let top = digit.map(\.top).min() ?? 0
        let bottom = digit.map(\.bottom).max() ?? 0
        let height = bottom - top + 1
        let darkness = Double(digit[0].mass) / Double(digit[0].area)
        return candidates.contains { index in
            let piece = pieces.all[index]
            guard !members.contains(index), piece.border == 0, digit[0].border == 0 else { return false }
            let isBeside = piece.left > right || piece.right < left
            // A five's bar lies above it as well: only what is upright is a digit of its own.
            let gap: Int = max(piece.top - bottom, top - piece.bottom)
            let isAbove = gap * 5 > height && piece.height >= piece.width && height >= right - left
            let isAsHigh = piece.height * 10 >= height * 6 && piece.height * 6 <= height * 10
            let isAsDark = Double(piece.mass) / Double(piece.area) > darkness * 0.6
            let stroke = digit[0].strokeWidth
            let isAsBroad = piece.strokeWidth > stroke * 0.5 && piece.strokeWidth < stroke * 2
            return (isBeside || isAbove) && isAsHigh && isAsDark && isAsBroad
        }
    }

    /// Clears the pieces that are no strokes or run along the border, with a margin, so that fainter ink shows.
    private func setAside(_ ink: inout [UInt8], _ levels: InkLevels) {
        let pieces = InkPieces(ink: ink, width: width, height: height, low: levels.low, high: levels.high)
        let margin = max(1, max(width, height) / 100)
        for y in 0..<height {
            for x in 0..<width where pieces.labels[y * width + x] >= 0 {
                for ny in max(0, y - margin)...min(height - 1, y + margin) {
                    for nx in max(0, x - margin)...min(width - 1, x + margin) { ink[ny * width + nx] = 0 }
                }
            }
        }
    }
}
