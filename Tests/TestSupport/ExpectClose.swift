// SPDX-License-Identifier: MIT

// Builds of everything with the static library come past here as well, where there is no Testing.
#if canImport(Testing)

import Testing

/// Expects all values to be close; a failure tells how many are not, the first, and the largest difference.
public func expectClose(
    _ actual: [Float], _ expected: [Float], _ tolerance: Tolerance, _ context: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record("\(context()): \(actual.count) values, expected \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    let wrong = actual.indices.filter { !tolerance.accepts(actual[$0], expected[$0]) }
    guard let first = wrong.first else { return }
    let largest = actual.indices.map { abs(Double(actual[$0]) - Double(expected[$0])) }.max() ?? 0
    Issue.record(
        """
        \(context()): \(wrong.count) of \(actual.count) values differ, first at \(first): \(actual[first]), expected \
        \(expected[first]); largest difference \(largest)
        """, sourceLocation: sourceLocation)
}

#endif
