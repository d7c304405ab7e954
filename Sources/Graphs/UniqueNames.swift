// SPDX-License-Identifier: MIT

/// Names that are told apart: one that comes again gets a number behind it.
package struct UniqueNames {
    private var taken: Set<String> = []
    private var numbers: [String: Int] = [:]

    package init() {}

    /// The name itself, or with a number behind it if it was taken.
    package mutating func take(_ name: String) -> String {
        var unique = name
        while !taken.insert(unique).inserted {
            // Not from the beginning each time: a file may have one name thousands of times.
            let number = numbers[name, default: 1] + 1
            numbers[name] = number
            unique = "\(name)#\(number)"
        }
        return unique
    }
}
