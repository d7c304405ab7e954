// SPDX-License-Identifier: MIT

import Kernels

extension KernelTable {
    var tileRows: Int { gemm.tileRows }
    var packedCount: @Sendable (Int, Int) -> Int { gemm.packedCount }
    var pack: @Sendable (Output, Input, Int, Int, LastPanel) -> Void { gemm.pack }
    var transpose: @Sendable (Output, Int, Input, Int, Int, Int) -> Void { move.transpose }
    var dots: (packedCount: @Sendable (Int, Int, Int) -> Int, pack: @Sendable (Output, Input, Int, Int, Int) -> Void) {
        (windows.dotsPackedCount, windows.packDots)
    }
}
