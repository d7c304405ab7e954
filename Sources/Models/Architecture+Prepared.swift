// SPDX-License-Identifier: MIT

extension Architecture {
    /// The architecture of a name, family and number of classes, for weights that are prepared already.
    ///
    /// - Returns: nil if there is none.
    public static func named(_ name: String, family: String, classes: Int) -> Architecture? {
        guard classes > 0 else { return nil }
        return candidates(classes: classes).first {
            $0.name == name && $0.family == family && $0.classes == classes
        }
    }
}
