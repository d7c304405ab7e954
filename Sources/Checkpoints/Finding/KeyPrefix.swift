// SPDX-License-Identifier: MIT

/// What wrappers put before, or into, the names of weights.
enum KeyPrefix {
    /// Wrappers that stand before every name.
    static let leading = [
        "module.", "_orig_mod.", "model.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "ema_model.", "ema.",
        "net.",
        "backbone.",
    ]
    /// Wrappers of single blocks, which stand anywhere in a name.
    static let inner = ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."]

    /// The names without their prefixes, and the prefixes, in the order of their removal.
    ///
    /// A leading prefix goes only where every name has it, and none goes where two names would become the same.
    static func removed(from names: [String]) -> (names: [String], removed: [String]) {
        var names = names
        var removed: [String] = []
        while let prefix = leading.first(where: { prefix in
            !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) && $0.utf8.count > prefix.utf8.count }
        }) {
            names = names.map { String($0.dropFirst(prefix.count)) }
            removed.append(prefix)
        }
        for part in inner {
            let shorter = names.map { removing(part, from: $0) }
            guard shorter != names, Set(shorter).count == names.count else { continue }
            names = shorter
            removed.append(part)
        }
        return (names, removed)
    }

    /// Removes a wrapper's name where it is a whole component.
    private static func removing(_ part: String, from name: String) -> String {
        let component = part.dropLast()
        // Byte by byte: most names are not such, and every weight's is looked at.
        guard name.utf8.split(separator: UInt8(ascii: ".")).contains(where: { $0.elementsEqual(component.utf8) }) else {
            return name
        }
        return name.split(separator: ".", omittingEmptySubsequences: false).filter { $0 != component }.joined(
            separator: ".")
    }
}
