// SPDX-License-Identifier: MIT

// Those who call kernels need their table, geometry and activations, which the three compilations share.
@_exported import KernelInterface
