// SPDX-License-Identifier: MIT

/// Turns quantised elements into numbers, as PyTorch's `Tensor.dequantize` does.
struct Dequantisation {
    private let quantisation: Quantisation
    private let type: TorchType
    /// Elements with one scale in a row, and the number of scales: the index along the axis follows from an element's place.
    private let run: Int

    /// Nil for a tensor that is not quantised.
    init?(_ tensor: StoredTensor) {
        guard let quantisation = tensor.quantisation else { return nil }
        self.quantisation = quantisation
        type = tensor.type
        run = quantisation.axis.map { tensor.sizes[($0 + 1)...].reduce(1, *) } ?? 0
    }

    /// Converts elements to Float32.
    ///
    /// - Parameters:
    ///   - input: Elements in row-major order.
    ///   - first: The place of the first of them in the tensor.
    ///   - output: Room for as many numbers.
    func convert(_ input: UnsafeRawBufferPointer, at first: Int, into output: UnsafeMutableRawBufferPointer) {
        for index in 0..<(input.count / type.byteCount) {
            let channel = run == 0 ? 0 : (first + index) / run % quantisation.scales.count
            let element: Float
            switch type {
            case .qint8: element = Float(input.loadUnaligned(fromByteOffset: index, as: Int8.self))
            case .qint32: element = Float(input.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
            default: element = Float(input[index])
            }
            let number = (element - Float(quantisation.zeroPoints[channel])) * Float(quantisation.scales[channel])
            output.storeBytes(of: number, toByteOffset: 4 * index, as: Float.self)
        }
    }
}
