// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

/// The integer kernels of this level. To be called only on a CPU that has its instructions.
public func makeInt8Kernels() -> Int8Kernels {
    Int8Kernels(
        name: levelName, panelWidth: laneCount, blockLength: blockLength, depthsInWord: depthsInWord,
        tileRows: max(Blocking.tallestOfBlock, 6),
        pack: pack, expand: expand, multiply: gemm, packDepthwise: packDepthwise, depthwise: depthwise, add: addBytes,
        scale: scaleBytes, lookUp: lookUp, quantize: quantize, dequantize: dequantize, maxPool: maxPool,
        averagePool: averagePool)
}

#endif
