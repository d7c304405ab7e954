// SPDX-License-Identifier: MIT

import Images

/// An image's picture as a network sees it, in 8 bits.
package struct PreparedImage: Sendable {
    let pixels: Image
    /// How the file asked to be turned.
    let orientation: EXIFOrientation
}
