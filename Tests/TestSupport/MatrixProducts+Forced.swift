// SPDX-License-Identifier: MIT

import BLAS

extension MatrixProducts {
    /// OpenBLAS wherever it can be.
    package static var forced: Result<MatrixProducts, any Error> {
        Result { try select(named: "openblas", isVectorLevel: true) { OpenBLAS.shared } }
    }
}
