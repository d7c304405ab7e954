// SPDX-License-Identifier: MIT

/// Tells pieces of ink that are no digit by their shape: frames, circles around a digit, lines, blots.
struct ForeignShapes {
    let pieces: InkPieces

    private var longestSide: Int { max(pieces.width, pieces.height) }

    /// Those of `candidates` that may be a digit, or a part of one.
    func digits(among candidates: [Int]) -> [Int] {
        candidates.filter { index in
            let piece = pieces.all[index]
            if isFlat(piece) || isLine(piece) || isBox(index) || isBlot(index) { return false }
            return !candidates.contains { $0 != index && encloses(index, $0) }
        }
    }

    /// No digit is so wide: a stroke of one, or of something else.
    private func isFlat(_ piece: InkPieces.Piece) -> Bool { piece.height * 4 < piece.width }

    /// A thin piece that goes from one border of the picture to another, or across a corner of it.
    private func isLine(_ piece: InkPieces.Piece) -> Bool {
        piece.sidesTouched >= 2 && piece.strokeWidth * 30 <= Double(longestSide)
    }

    // MARK: Frames

    /// Whether a piece lies around another one that is large enough to be a digit: from its middle, the one is met in all four
    /// directions.
    private func encloses(_ outer: Int, _ inner: Int) -> Bool {
        let (frame, digit) = (pieces.all[outer], pieces.all[inner])
        guard frame.left < digit.left, frame.right > digit.right, frame.top < digit.top, frame.bottom > digit.bottom,
            digit.longest * 5 >= frame.longest, digit.area * 50 >= frame.area
        else { return false }
        let (x, y) = ((digit.left + digit.right) / 2, (digit.top + digit.bottom) / 2)
        func isMet(_ columns: some Sequence<Int>, _ rows: some Sequence<Int>) -> Bool {
            rows.contains { row in columns.contains { pieces.labels[row * pieces.width + $0] == outer } }
        }
        return isMet(frame.left..<digit.left, CollectionOfOne(y))
            && isMet((digit.right + 1)...frame.right, CollectionOfOne(y))
            && isMet(CollectionOfOne(x), frame.top..<digit.top)
            && isMet(CollectionOfOne(x), (digit.bottom + 1)...frame.bottom)
    }

    /// Whether a piece is a thin rectangle: it runs along all four sides of its own box.
    private func isBox(_ index: Int) -> Bool {
        let piece = pieces.all[index]
        guard piece.width >= 16, piece.height >= 16, piece.strokeWidth * 20 <= Double(piece.longest) else {
            return false
        }
        let (deepX, deepY) = (piece.width / 10, piece.height / 10)
        func covered(_ places: ClosedRange<Int>, _ isMet: (Int) -> Bool) -> Bool {
            places.count(where: isMet) * 20 >= places.count * 17
        }
        func isInk(_ x: Int, _ y: Int) -> Bool { pieces.labels[y * pieces.width + x] == index }
        let (columns, rows) = (piece.left...piece.right, piece.top...piece.bottom)
        return covered(columns) { x in (piece.top...(piece.top + deepY)).contains { isInk(x, $0) } }
            && covered(columns) { x in ((piece.bottom - deepY)...piece.bottom).contains { isInk(x, $0) } }
            && covered(rows) { y in (piece.left...(piece.left + deepX)).contains { isInk($0, y) } }
            && covered(rows) { y in ((piece.right - deepX)...piece.right).contains { isInk($0, y) } }
    }

    // MARK: Blots

    /// Whether the largest disc within a piece measures so much of its length that no pen wrote it.
    func isBlot(_ index: Int) -> Bool {
        let piece = pieces.all[index]
        guard piece.strokeWidth > 0.12 * Double(piece.longest) else { return false }
        let (width, height) = (piece.width + 2, piece.height + 2)
        var inside = [Bool](repeating: false, count: width * height)
        for y in 0..<piece.height {
            for x in 0..<piece.width {
                inside[(y + 1) * width + x + 1] =
                    pieces.labels[(piece.top + y) * pieces.width + piece.left + x] == index
            }
        }
        let deepest = DistanceMap.distances(to: inside.map { !$0 }, width: width, height: height).max() ?? 0
        return Double(2 * deepest) > 0.45 * Double(piece.longest)
    }
}
