// SPDX-License-Identifier: MIT

/// The release that this source makes.
package enum Release {
    /// Its version, by Semantic Versioning. `Tools/release` and its tests read it from this line.
    package static let version = "0.1.0"
}
