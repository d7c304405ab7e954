// SPDX-License-Identifier: MIT

import Graphs
import Kernels
import Operators
import Tensors

extension Planner {
    /// Windows over images by kernels; what else pools, by the operators' references.
    mutating func lowerPooling(_ node: Graph.Node) {
        let (x, y) = (shape(node.inputs[0]), shape(node.outputs[0]))
        guard fact(node.inputs[0]).elementType == .float32, y.rank == 4, y[0] == 1 else {
            return lowerByReference(node)
        }
        switch node.op {
        case let mean as MeanOfRowSums:
            appendPooling(node, algorithm: "mean of row sums", reason: "summed as written") { output, input in
                MeanStep(output: output, input: input, rows: x[1], channels: x[2], pixels: mean.pixels)
            }
        case let pool as Pool where x.rank == 4 && !pool.window.dilations.isEmpty:
            let geometry = pool.window.geometry(x, y)
            switch pool.function {
            case .max:
                appendPooling(node, algorithm: "windows", reason: "a window at a time") { output, input in
                    MaxPoolStep(output: output, input: input, geometry: geometry)
                }
            case .average(let countIncludePad) where pool.window.dilations == [1, 1]:
                appendPooling(node, algorithm: "windows", reason: "a window at a time") { output, input in
                    AvgPoolStep(output: output, input: input, geometry: geometry, countIncludePad: countIncludePad)
                }
            default:
                lowerByReference(node)
            }
        case let pool as AdaptivePool where !pool.isMax && x.rank == 4 && x.elementCount > 0:
            if pool.outputSize == [1, 1] {
                appendPooling(node, algorithm: "mean of pixels", reason: "one window, the whole image") {
                    output, input in
                    MeanStep(output: output, input: input, rows: x[2] * x[3], channels: x[1], pixels: x[2] * x[3])
                }
            } else {
                let geometry = WindowGeometry(
                    channels: x[1], inputHeight: x[2], inputWidth: x[3], outputHeight: y[2], outputWidth: y[3],
                    kernelHeight: 1, kernelWidth: 1)
                appendPooling(node, algorithm: "windows", reason: "a window at a time") { output, input in
                    AdaptiveAvgPoolStep(output: output, input: input, geometry: geometry)
                }
            }
        default:
            lowerByReference(node)
        }
    }

    private mutating func appendPooling(
        _ node: Graph.Node, algorithm: String, reason: String, make: @escaping (Slot, Slot) -> any Step
    ) {
        let (input, output) = (resolved(node.inputs[0]), node.outputs[0].index)
        append(
            Draft(
                summary: summary(node, operation: node.op.name, algorithm: algorithm, reason: reason),
                reads: [input], writes: [output], make: { slot in make(slot(output), slot(input)) }))
    }
}

extension SlidingWindow {
    /// The window over an image [N, C, H, W], as kernels take it.
    func geometry(_ x: Shape, _ y: Shape) -> WindowGeometry {
        WindowGeometry(
            channels: x[1], inputHeight: x[2], inputWidth: x[3], outputHeight: y[2], outputWidth: y[3],
            kernelHeight: kernel[0], kernelWidth: kernel[1], strideHeight: strides[0], strideWidth: strides[1],
            dilationHeight: dilations[0], dilationWidth: dilations[1], padTop: before[0], padLeft: before[1],
            padBottom: after[0], padRight: after[1])
    }
}
