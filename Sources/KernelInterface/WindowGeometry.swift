// SPDX-License-Identifier: MIT

/// How a window slides over one image: what a convolution or a pooling needs to know of sizes.
///
/// All sizes in values, not bytes. Images are channels-last: value (y, x, c) of an image stands at
/// `(y * width + x) * channels + c`.
public struct WindowGeometry: Sendable, Equatable {
    /// Channels of the input image.
    public var channels: Int
    /// Height of the input image.
    public var inputHeight: Int
    /// Width of the input image.
    public var inputWidth: Int
    /// Height of the output image.
    public var outputHeight: Int
    /// Width of the output image.
    public var outputWidth: Int
    /// Height of the window.
    public var kernelHeight: Int
    /// Width of the window.
    public var kernelWidth: Int
    /// Steps of the window downwards.
    public var strideHeight: Int
    /// Steps of the window to the right.
    public var strideWidth: Int
    /// Rows from one tap of the window to the next.
    public var dilationHeight: Int
    /// Columns from one tap of the window to the next.
    public var dilationWidth: Int
    /// Imagined rows above the input.
    public var padTop: Int
    /// Imagined columns left of the input.
    public var padLeft: Int
    /// Imagined rows below the input.
    public var padBottom: Int
    /// Imagined columns right of the input.
    public var padRight: Int

    /// Describes a window; the output's size is the caller's, since poolings round it in two ways.
    public init(
        channels: Int, inputHeight: Int, inputWidth: Int, outputHeight: Int, outputWidth: Int,
        kernelHeight: Int, kernelWidth: Int, strideHeight: Int = 1, strideWidth: Int = 1,
        dilationHeight: Int = 1, dilationWidth: Int = 1,
        padTop: Int = 0, padLeft: Int = 0, padBottom: Int = 0, padRight: Int = 0
    ) {
        self.channels = channels
        self.inputHeight = inputHeight
        self.inputWidth = inputWidth
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        self.strideHeight = strideHeight
        self.strideWidth = strideWidth
        self.dilationHeight = dilationHeight
        self.dilationWidth = dilationWidth
        self.padTop = padTop
        self.padLeft = padLeft
        self.padBottom = padBottom
        self.padRight = padRight
    }
}
