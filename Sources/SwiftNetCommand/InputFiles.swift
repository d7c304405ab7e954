// SPDX-License-Identifier: MIT

import Images
import SystemCalls
import Text

/// The images that a command line names: files, all images of folders, and standard input.
struct InputFiles: Sendable {
    /// One image to read.
    enum Source: Sendable, Equatable {
        case file(String)
        case standardInput

        /// What answers call it: its path, or "-".
        var name: String {
            switch self {
            case .file(let path): path
            case .standardInput: "-"
            }
        }
    }

    /// A name on the command line that leads to no image.
    struct Fault: Error, CustomStringConvertible {
        let description: String
        /// Whether something is not there, rather than wrong.
        var isAboutMissingInput = false
    }

    /// A place in the results: an image, or a name that can't be one.
    enum Item: Sendable {
        case source(Source)
        case fault(name: String, any Error)

        var name: String {
            switch self {
            case .source(let source): source.name
            case .fault(let name, _): name
            }
        }
    }

    /// In the order of the arguments; a folder's images sorted by name.
    let items: [Item]
    private let maxBytes: Int
    private static let extensions: Set<String> = ["png", "jpg", "jpeg", "jpe", "jfif"]

    init(_ arguments: [String], limits: ImageLimits) {
        maxBytes = limits.maxBytes
        items = arguments.flatMap { argument -> [Item] in
            if argument == "-" { return [.source(.standardInput)] }
            do {
                switch try FileSystem.kind(of: argument) {
                case .directory: return try Self.images(in: argument)
                case .file, .other: return [.source(.file(argument))]
                }
            } catch {
                return [.fault(name: argument, error)]
            }
        }
    }

    private static func images(in folder: String) throws -> [Item] {
        let names = try FileSystem.names(in: folder).filter { name in
            guard let dot = name.lastIndex(of: "."), !name.hasPrefix(".") else { return false }
            return extensions.contains(name[name.index(after: dot)...].asciiLowercased)
        }
        if names.isEmpty {
            throw Fault(
                description: "\(folder): the folder has no images; expected names that end in .png or .jpg",
                isAboutMissingInput: true)
        }
        let separator = folder.hasSuffix("/") ? "" : "/"
        return names.map { .source(.file(folder + separator + $0)) }
    }

    /// The bytes of an item; the limit on an image's bytes holds here too.
    ///
    /// - Throws: The item's fault, or an error of the system.
    func read(_ index: Int) throws -> [UInt8] {
        switch items[index] {
        case .fault(_, let error): throw error
        case .source(.standardInput): return try check(FileDescriptor.standardInput().readAll(limit: maxBytes))
        case .source(.file(let path)):
            return try check(FileDescriptor.open(path, FileDescriptor.readOnly).readAll(limit: maxBytes))
        }
    }

    private func check(_ bytes: [UInt8]) throws -> [UInt8] {
        if bytes.count > maxBytes { throw ImageError.tooManyBytes(actual: bytes.count, maxBytes: maxBytes) }
        return bytes
    }
}
