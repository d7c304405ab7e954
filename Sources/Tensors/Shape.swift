// SPDX-License-Identifier: MIT

/// The sizes of a tensor along its dimensions, outermost first: `[N, C, H, W]` for images. Empty for a single value.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// Sizes, each zero or more.
    public let dimensions: [Int]

    /// Makes a shape of sizes already known to be sound.
    ///
    /// - Precondition: No size is negative and the product fits in an Int.
    public init(_ dimensions: [Int]) {
        precondition(
            Shape.elementCount(of: dimensions) != nil, "a shape must have sizes >= 0 whose product fits: \(dimensions)")
        self.dimensions = dimensions
    }

    /// Makes a shape of sizes that come from outside.
    ///
    /// - Throws: `TensorError.invalidShape` for a negative size or a product that overflows.
    public init(checking dimensions: [Int]) throws {
        guard Shape.elementCount(of: dimensions) != nil else { throw TensorError.invalidShape(dimensions) }
        self.dimensions = dimensions
    }

    /// Makes a shape from a literal, as in `[1, 3, 224, 224]`.
    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// Number of dimensions.
    public var rank: Int { dimensions.count }

    /// Number of elements: the product of the sizes, 1 for a single value.
    public var elementCount: Int { dimensions.reduce(1, &*) }

    /// Size along one dimension.
    public subscript(dimension: Int) -> Int { dimensions[dimension] }

    /// For example `[64, 32, 3, 3]`.
    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }

    private static func elementCount(of dimensions: [Int]) -> Int? {
        var product = 1
        for size in dimensions {
            guard size >= 0 else { return nil }
            // A zero would hide an overflow of the other sizes: those are multiplied as if it were one.
            let (value, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            if overflow { return nil }
            product = value
        }
        return dimensions.contains(0) ? 0 : product
    }
}
