// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

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
        tileRows: tileRows,
        packedCount: packedCount,
        pack: pack,
        scalePacked: scalePacked,
        gemm: gemm,
        convolveLines: convolveLines,
        convolveChannels: convolveChannels,
        convolveGroups: convolveGroups,
        dots: DotKernels(packedCount: dotsPackedCount, pack: packDots, convolve: convolveDots),
        copyPadded: copyPadded,
        depthwiseConv2d: depthwiseConv2d,
        maxPool2d: maxPool2d,
        avgPool2d: avgPool2d,
        adaptiveAvgPool2d: adaptiveAvgPool2d,
        activate: activate,
        add: add,
        affine: affine,
        scaleChannels: scaleChannels,
        sumRows: sumRows,
        rows: RowKernels(combine: combine, normalize: normalizeRows, reduce: reduceRows, clamp: clamp),
        softmax: softmax,
        logSoftmax: logSoftmax,
        transpose: transpose,
        winograd: WinogradKernels(
            packedCount: winogradPackedCount, pack: winogradPack, scratchCount: winogradScratchCount,
            convolve: winogradConv2d, transformFilters: winogradTransformFilters,
            transformInput: winogradTransformInput, transformOutput: winogradTransformOutput),
        blocks: BlockKernels(
            begin: beginBlock, activate: activateBlock, scaleRows: scaleRows, copyWindows: copyWindows))
}

#endif
