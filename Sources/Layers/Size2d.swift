// SPDX-License-Identifier: MIT

/// A height and a width: of a kernel, a stride, a dilation, an image. `3` means 3 x 3; `[3, 5]` 3 high and 5 wide.
public struct Size2d: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// Along the vertical.
    public let height: Int
    /// Along the horizontal.
    public let width: Int

    /// Makes a size of two numbers.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// Makes a square size.
    public init(integerLiteral value: Int) {
        self.init(height: value, width: value)
    }

    /// Makes a size of a literal of height and width.
    ///
    /// - Precondition: There are two elements.
    public init(arrayLiteral elements: Int...) {
        precondition(elements.count == 2, "a size is written [height, width], not with \(elements.count) numbers")
        self.init(height: elements[0], width: elements[1])
    }
}
