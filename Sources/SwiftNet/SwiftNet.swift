// SPDX-License-Identifier: MIT

// The library product: one import for those who run networks.

@_exported import Checkpoints
@_exported import Images
@_exported import Inference
@_exported import JSON
@_exported import Layers
@_exported import Models
@_exported import Tensors
