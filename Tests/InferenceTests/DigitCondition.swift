// SPDX-License-Identifier: MIT

/// What stands between a digit and its reader: light, paper, ink, and what else is on the picture.
enum DigitCondition: String, CaseIterable, Sendable {
    case lightFromOneSide, vignette, shadowEdge, shadowInCorner
    case ruledPaper, slopingRules, steepRules, darkRules, squaredPaper, slopingSquares, darkSquares
    case pageEdge, tableAround, frame, slopingFrame, closeFrame, circleAround, formCorner
    case palePencil, colouredInk, redInkOnGreenPaper, greenInkOnRedPaper, blueInkOnOrangePaper
    case thinPen, thickPen, brightInk, smallDigit, specks, underlined, cutOffNeighbour

    /// A page with a digit under this condition.
    func page(_ digit: Int) -> DrawnPage {
        var page = DrawnPage(paper: paper)
        rule(&page)
        write(digit, on: &page)
        drawAround(&page)
        light(&page)
        return page
    }

    private func gray(_ value: Double) -> SIMD3<Double> { .init(repeating: value) }

    private var paper: SIMD3<Double> {
        switch self {
        case .palePencil: gray(172)
        case .redInkOnGreenPaper: [120, 170, 110]
        case .greenInkOnRedPaper: [215, 120, 120]
        case .blueInkOnOrangePaper: [220, 150, 90]
        case .brightInk: [30, 60, 40]
        default: gray(200)
        }
    }

    private func rule(_ page: inout DrawnPage) {
        switch self {
        case .ruledPaper: page.rule(every: 30, falling: 0, pen: 1.5, ink: [110, 130, 170])
        case .slopingRules: page.rule(every: 30, falling: 6, pen: 1.5, ink: [110, 130, 170])
        case .steepRules: page.rule(every: 30, falling: 34, pen: 2, ink: [120, 130, 170])
        case .darkRules: page.rule(every: 45, falling: 5, pen: 2, ink: gray(80))
        case .squaredPaper:
            page.rule(every: 25, falling: 0, pen: 1.5, ink: gray(120))
            page.ruleDown(every: 25, leaning: 0, pen: 1.5, ink: gray(120))
        case .slopingSquares:
            page.rule(every: 25, falling: 12, pen: 1.5, ink: gray(120))
            page.ruleDown(every: 25, leaning: 16, pen: 1.5, ink: gray(120))
        case .darkSquares:
            page.rule(every: 30, falling: 0, pen: 2, ink: gray(80))
            page.ruleDown(every: 30, leaning: 0, pen: 2, ink: gray(80))
        default: break
        }
    }

    private func write(_ digit: Int, on page: inout DrawnPage) {
        switch self {
        case .lightFromOneSide: page.write(digit, ink: gray(110))
        case .vignette: page.write(digit, ink: gray(90))
        case .squaredPaper, .slopingSquares: page.write(digit, ink: gray(50))
        case .darkSquares: page.write(digit, ink: gray(50), pen: 9)
        case .darkRules: page.write(digit, pen: 8)
        case .closeFrame: page.write(digit, x: 70, y: 85, scale: 1)
        case .circleAround: page.write(digit, x: 72, y: 90, scale: 0.95)
        case .palePencil: page.write(digit, ink: gray(150), pen: 5)
        case .colouredInk: page.write(digit, ink: [240, 120, 120])
        case .redInkOnGreenPaper: page.write(digit, ink: [210, 120, 110])
        case .greenInkOnRedPaper: page.write(digit, ink: [90, 170, 120])
        case .blueInkOnOrangePaper: page.write(digit, ink: [110, 160, 230])
        case .thinPen: page.write(digit, pen: 1.5)
        case .thickPen: page.write(digit, pen: 20)
        case .brightInk: page.write(digit, ink: gray(230))
        case .smallDigit: page.write(digit, pen: 3, x: 90, y: 120, scale: 0.35)
        case .cutOffNeighbour:
            page.write(digit, x: 40)
            page.write(digit, x: 205)
        default: page.write(digit)
        }
    }

    private func drawAround(_ page: inout DrawnPage) {
        switch self {
        case .frame: page.outline([(12, 12), (228, 12), (228, 308), (12, 308)], pen: 3, ink: gray(60))
        case .slopingFrame: page.outline([(14, 10), (230, 22), (222, 310), (10, 300)], pen: 4, ink: gray(60))
        case .closeFrame: page.outline([(40, 50), (205, 50), (205, 262), (40, 262)], pen: 4, ink: gray(60))
        case .circleAround: page.drawEllipse(x: 120, y: 155, width: 190, height: 250, pen: 5, ink: gray(60))
        case .formCorner:
            page.draw(from: (30, 0), to: (30, 290), pen: 4, ink: gray(60))
            page.draw(from: (30, 290), to: (240, 290), pen: 4, ink: gray(60))
        case .specks: page.drawSpecks(ink: gray(40))
        case .underlined: page.draw(from: (35, 246), to: (205, 250), pen: 5, ink: gray(60))
        default: break
        }
    }

    private func light(_ page: inout DrawnPage) {
        let (width, height) = (Double(DrawnPage.width), Double(DrawnPage.height))
        switch self {
        case .lightFromOneSide: page.change { x, _, old in old * (0.45 + 0.55 * x / width) }
        case .vignette:
            page.change { x, y, old in
                let (dx, dy) = (2 * x / width - 1, 2 * y / height - 1)
                return old * (1 - 0.55 * (dx * dx + dy * dy) / 2)
            }
        case .shadowEdge: page.change { x, y, old in x + y / 3 > 170 ? old * 0.55 : old }
        case .shadowInCorner:
            page.change { x, y, old in
                let distance = (x * x + (y - height) * (y - height)).squareRoot()
                return old * max(0.25, min(1, (distance - 40) / 50))
            }
        case .pageEdge: page.change { x, y, old in y < 20 || x > width - 12 ? gray(50) : old }
        case .tableAround:
            page.change { x, y, old in min(x, width - x) < 22 || min(y, height - y) < 25 ? [70, 45, 30] : old }
        default: break
        }
    }
}

/// What a page may show that is no digit.
enum EmptyPage: String, CaseIterable, Sendable {
    case blank, light, edge, twoEdges, table, shadow, blot, rules, steepRules, singleRule, squares, slopingSquares,
        frame, specks

    var page: DrawnPage {
        var page = DrawnPage()
        let dark = SIMD3<Double>(repeating: 50)
        switch self {
        case .blank: break
        case .light: page.change { x, y, old in old * (0.4 + 0.6 * x / 240) * (1 - y / 900) }
        case .edge: page.change { _, y, old in y < 40 ? dark : old }
        case .twoEdges: page.change { x, y, old in y < 25 || x < 30 ? dark : old }
        case .table: page.change { x, y, old in min(x, 240 - x) < 22 || min(y, 320 - y) < 25 ? [70, 45, 30] : old }
        case .shadow: page.change { x, y, old in x + y / 3 > 170 ? old * 0.55 : old }
        case .blot: page.draw(from: (120, 160), to: (121, 160), pen: 60, ink: dark)
        case .rules: page.rule(every: 30, falling: 5, pen: 2, ink: [110, 130, 170])
        case .steepRules: page.rule(every: 30, falling: 34, pen: 2, ink: [120, 130, 170])
        case .singleRule: page.draw(from: (0, 150), to: (240, 162), pen: 3, ink: dark)
        case .squares:
            page.rule(every: 25, falling: 0, pen: 1.5, ink: dark)
            page.ruleDown(every: 25, leaning: 0, pen: 1.5, ink: dark)
        case .slopingSquares:
            page.rule(every: 25, falling: 12, pen: 1.5, ink: .init(repeating: 120))
            page.ruleDown(every: 25, leaning: 16, pen: 1.5, ink: .init(repeating: 120))
        case .frame: page.outline([(12, 12), (228, 12), (228, 308), (12, 308)], pen: 3, ink: dark)
        case .specks: page.drawSpecks(ink: dark)
        }
        return page
    }
}
