// SPDX-License-Identifier: MIT

import KernelInterface

/// The kernels as this module was compiled.
public func makeKernelTable() -> KernelTable {
    #if KERNELS_AVX512
        let name = "avx512"
    #elseif KERNELS_AVX2
        let name = "avx2"
    #else
        let name = "portable"
    #endif
    return KernelTable(
        name: name, panelWidth: panelWidth, packedCount: packedCount, pack: pack, gemm: gemm, im2col: im2col,
        depthwiseConv2d: depthwiseConv2d, maxPool2d: maxPool2d, avgPool2d: avgPool2d,
        adaptiveAvgPool2d: adaptiveAvgPool2d, activate: activate, add: add, affine: affine,
        scaleChannels: scaleChannels, sumRows: sumRows, softmax: softmax, logSoftmax: logSoftmax,
        transpose: transpose)
}
