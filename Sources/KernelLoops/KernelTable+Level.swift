// SPDX-License-Identifier: MIT

import KernelInterface

#if KERNELS_AVX512
    private let levelName = "avx512"
#elseif KERNELS_AVX2
    private let levelName = "avx2"
#else
    private let levelName = "portable"
#endif

/// The kernels of this level. To be called only on a CPU that has its instructions.
public func makeKernelTable() -> KernelTable {
    KernelTable(
        name: levelName,
        panelWidth: laneCount,
        packedCount: packedCount,
        pack: pack,
        gemm: gemm,
        im2col: im2col,
        depthwiseConv2d: depthwiseConv2d,
        maxPool2d: maxPool2d,
        avgPool2d: avgPool2d,
        adaptiveAvgPool2d: adaptiveAvgPool2d,
        activate: activate,
        add: add,
        affine: affine,
        scaleChannels: scaleChannels,
        sumRows: sumRows,
        softmax: softmax,
        logSoftmax: logSoftmax,
        transpose: transpose)
}
