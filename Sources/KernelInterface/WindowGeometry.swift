// SPDX-License-Identifier: MIT

/// How a window slides over one image: what a convolution or a pooling needs to know of sizes.
///
/// All sizes in values, not bytes. Images are channels-last: value (y, x, c) of an image stands at
/// `(y * width + x) * channels + c`.
public struct WindowGeometry: Sendable, Equatable {
    /// Channels of the input image.
    public var channels: Int
    /// Height and width of the input image.
    public var inputHeight: Int
    public var inputWidth: Int
    /// Height and width of the output image.
    public var outputHeight: Int
    public var outputWidth: Int
    /// Height and width of the window.
    public var kernelHeight: Int
    public var kernelWidth: Int
    /// Steps of the window.
    public var strideHeight: Int
    public var strideWidth: Int
    /// Distance between two taps of the window.
    public var dilationHeight: Int
    public var dilationWidth: Int
    /// Imagined rows and columns around the input.
    public var padTop: Int
    public var padLeft: Int
    public var padBottom: Int
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
