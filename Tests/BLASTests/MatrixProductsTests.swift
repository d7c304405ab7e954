// SPDX-License-Identifier: MIT

import Testing

@testable import BLAS

@Suite("MatrixProducts")
struct MatrixProductsTests {
    private static let missing = OpenBLASError.cannotOpen("libopenblas.so.0: no such file")

    private func select(_ name: String?, isVectorLevel: Bool) throws -> (products: MatrixProducts, opened: Bool) {
        var opened = false
        let products = try MatrixProducts.select(named: name, isVectorLevel: isVectorLevel) {
            opened = true
            return OpenBLAS.shared
        }
        return (products, opened)
    }

    @Test("the library isn't opened where the packed kernel is faster, or asked for")
    func opensOnlyWhatIsNeeded() throws {
        for (name, isVectorLevel) in [(nil, true), ("auto", true), ("packed", true), ("packed", false)] {
            let (products, opened) = try select(name, isVectorLevel: isVectorLevel)
            #expect(!opened && products.name == "packed" && products.library == nil)
        }
    }

    @Test("the portable level takes the library where it is faster, any level where it is asked for")
    func takesTheLibrary() throws {
        for name in [nil, "auto"] {
            let (products, opened) = try select(name, isVectorLevel: false)
            #expect(opened && products.name == "openblas" && !products.isForced)
        }
        for isVectorLevel in [true, false] {
            let (products, opened) = try select("openblas", isVectorLevel: isVectorLevel)
            #expect(opened && products.name == "openblas" && products.isForced)
            #expect(products.description.hasPrefix("matrix products by OpenBLAS ("))
        }
    }

    @Test("without the library the packed kernel runs, and says how to be faster")
    func missingLibrary() throws {
        let products = try MatrixProducts.select(named: nil, isVectorLevel: false) { .failure(Self.missing) }
        #expect(
            products.description == """
                matrix products by the packed kernel: OpenBLAS can't be opened (libopenblas.so.0: no such file); install the \
                Debian package libopenblas0-pthread to be faster
                """)
    }

    @Test("a library that was asked for and is missing is refused in one line, an unknown name with the known ones")
    func refuses() throws {
        let unavailable = #expect(throws: MatrixProductsError.self) {
            try MatrixProducts.select(named: "openblas", isVectorLevel: true) { .failure(Self.missing) }
        }
        #expect(
            unavailable?.description == """
                SWIFTNET_GEMM is 'openblas', but OpenBLAS can't be opened (libopenblas.so.0: no such file); install the Debian \
                package libopenblas0-pthread
                """)
        let unknown = #expect(throws: MatrixProductsError.self) { try select("mkl", isVectorLevel: false) }
        #expect(unknown?.description == "SWIFTNET_GEMM is 'mkl', expected one of auto, packed, openblas")
    }
}
