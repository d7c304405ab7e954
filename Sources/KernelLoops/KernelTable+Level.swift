// SPDX-License-Identifier: MIT

#if KERNELS_ENABLED

import KernelInterface

/// The kernels of this level. To be called only on a CPU that has its instructions.
///
/// - Parameter int8: Those of integers, which are compiled by themselves.
public func makeKernelTable(int8: Int8Kernels) -> KernelTable {
    KernelTable(
        name: levelName, panelWidth: laneCount,
        gemm: GemmKernels(
            tileRows: Blocking.tileRows, packedCount: packedCount, pack: pack, scalePacked: scalePacked,
            multiply: gemm),
        windows: WindowKernels(
            convolve: convolveLines, convolveChannels: convolveChannels, convolveGroups: convolveGroups,
            convolveDots: convolveDots, dotsPackedCount: dotsPackedCount, packDots: packDots),
        depthwise: DepthwiseKernels(convolve: depthwiseConv2d),
        winograd: WinogradKernels(
            packedCount: winogradPackedCount, pack: winogradPack, scratchCount: winogradScratchCount,
            convolve: winogradConv2d, transformFilters: winogradTransformFilters,
            transformInput: winogradTransformInput, transformOutput: winogradTransformOutput),
        pool: PoolKernels(max: maxPool2d, average: avgPool2d, adaptiveAverage: adaptiveAvgPool2d),
        elementwise: ElementwiseKernels(
            activate: activate, activateRows: activateRows, beginRows: beginRows, add: add, combine: combine,
            clamp: clamp, affine: affine, scaleColumns: scaleColumns, scaleRows: scaleRows),
        reduce: ReduceKernels(
            sumRows: sumRows, rows: reduceRows, normalize: normalizeRows, softmax: softmax, logSoftmax: logSoftmax),
        move: MoveKernels(transpose: transpose, copyPadded: copyPadded, copyWindows: copyWindows),
        int8: int8)
}

#endif
