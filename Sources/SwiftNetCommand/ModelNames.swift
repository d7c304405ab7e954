// SPDX-License-Identifier: MIT

import Inference

/// What a shell offers where a model's name is wanted.
enum ModelNames {
    /// The names of the repository that the line names, or of the standard one.
    ///
    /// - Parameter line: The words of the command line so far.
    @Sendable static func complete(_ line: [String], _ index: Int, _ prefix: String) -> [String] {
        (try? repository(line)?.modelNames()) ?? []
    }

    /// The same, and each version as name@version.
    @Sendable static func completeWithVersions(_ line: [String], _ index: Int, _ prefix: String) -> [String] {
        guard let repository = repository(line) else { return [] }
        return complete(line, index, prefix).flatMap { name in
            let versions = (try? repository.description(of: name).versionNumbers) ?? []
            return [name] + versions.map { "\(name)@\($0)" }
        }
    }

    private static func repository(_ line: [String]) -> ModelRepository? {
        let named = line.lastIndex(of: "--weights").flatMap { $0 + 1 < line.count ? line[$0 + 1] : nil }
        return try? named.map { try ModelRepository(path: $0) } ?? ModelRepository.standard()
    }
}
