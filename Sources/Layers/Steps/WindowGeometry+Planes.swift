// SPDX-License-Identifier: MIT

import Kernels

// How windows lie in images with channels first: each channel a plane.

extension WindowGeometry {
    /// Whether windows of an image with channels first need no copy of it.
    var readsPlanesInPlace: Bool { isUnpadded && strideWidth == 1 }

    /// Windows of any lines take every so many-th row alone.
    var rowStep: Int {
        kernelHeight == 1 ? strideHeight : greatestCommonDivisor(strideHeight, dilationHeight)
    }

    /// Windows take every so many-th column alone.
    private var columnStep: Int {
        kernelWidth == 1 ? strideWidth : greatestCommonDivisor(strideWidth, dilationWidth)
    }

    /// Parts of a copied row: columns of one part are side by side for windows that are side by side.
    private var phases: Int { strideWidth / columnStep }
    private var phaseColumns: Int { (spannedColumns - 1) / columnStep / phases + 1 }

    /// Floats of a copied row.
    private var copiedRow: Int { phases * phaseColumns }

    /// Floats of a strip of one copied plane.
    private func copiedPlane(inputs: Int) -> Int {
        steppedRows(lines: planarStripLines(inputs: inputs), step: rowStep) * copiedRow
    }

    /// Lines done at a time: as many as keep the copy in L1, or in L2 where it is large.
    func planarStripLines(inputs: Int) -> Int {
        stripLines(rowFloats: inputs * copiedRow, room: inputs == 1 ? 8192 : 32768, rowStep: rowStep)
    }

    func planeCopy(of lines: Range<Int>, inputs: Int) -> PlaneCopy {
        PlaneCopy(
            inputHeight: inputHeight, inputWidth: inputWidth, planes: inputs,
            planeStride: copiedPlane(inputs: inputs), firstRow: lines.lowerBound * strideHeight - padTop,
            rows: steppedRows(lines: lines.count, step: rowStep), rowStep: rowStep, firstColumn: -padLeft,
            columnStep: columnStep, phases: phases, columns: phaseColumns)
    }

    /// Where the values of a window stand from its first one on, in the order of the filters in a state dict.
    func planarPlaces(inputs: Int) -> [Int] {
        let inPlace = readsPlanesInPlace
        let plane = inPlace ? inputHeight * inputWidth : copiedPlane(inputs: inputs)
        var places: [Int] = []
        for input in 0..<inputs {
            for row in 0..<kernelHeight {
                for column in 0..<kernelWidth {
                    let (y, x) = (row * dilationHeight, column * dilationWidth)
                    let place =
                        inPlace
                        ? y * inputWidth + x
                        : y / rowStep * copiedRow + x / columnStep % phases * phaseColumns + x / columnStep / phases
                    places.append(input * plane + place)
                }
            }
        }
        return places
    }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
