// SPDX-License-Identifier: MIT

import Images
import SystemCalls
import Text

/// The images that a command line names: files, all images of folders, and standard input.
struct InputFiles: Sendable {
    /// One image to read.
    enum Source: Sendable, Equatable {
        /// `below` is its path within the folder that was named, or its own name.
        case file(String, below: String, isFromFolder: Bool)
        case standardInput

        /// What answers call it: its path, or "-".
        var name: String {
            switch self {
            case .file(let path, _, _): path
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

        /// Where the file goes within a folder of results.
        var nameBelow: String {
            if case .source(.file(_, let below, _)) = self { below } else { PathText.lastComponent(name) }
        }
    }

    /// In the order of the arguments; a folder's images sorted by name.
    private(set) var items: [Item] = []
    /// What folders hold that is passed over, a line for each folder that was named, and each pipe or device.
    private(set) var notes: [String] = []
    private let maxBytes: Int

    /// Finds the images.
    ///
    /// - Parameters:
    ///   - recursive: Whether folders within folders count.
    ///   - excluded: A folder that is never searched, since results go there.
    init(_ arguments: [String], recursive: Bool = false, excluding excluded: String? = nil, limits: ImageLimits) {
        maxBytes = limits.maxBytes
        for argument in arguments {
            if argument == "-" {
                items.append(.source(.standardInput))
                continue
            }
            do {
                guard try FileSystem.kind(of: argument) == .directory else {
                    let name = PathText.lastComponent(argument)
                    items.append(.source(.file(argument, below: name, isFromFolder: false)))
                    continue
                }
                var search = FolderSearch(recursive: recursive, excluded: excluded)
                try search.search(argument, below: "")
                if search.items.isEmpty { throw search.nothingFound(in: argument) }
                items += search.items
                notes += search.notes(about: argument)
            } catch {
                items.append(.fault(name: argument, error))
            }
        }
    }

    /// The bytes of an item; the limit on an image's bytes holds here too.
    ///
    /// - Throws: The item's fault, or an error of the system.
    func read(_ index: Int) throws -> [UInt8] { try readWithAttributes(index).bytes }

    /// The same with what its file system keeps of the file; nil for standard input.
    func readWithAttributes(_ index: Int) throws -> (bytes: [UInt8], attributes: FileAttributes?) {
        switch items[index] {
        case .fault(_, let error): throw error
        case .source(.standardInput):
            return (try check(FileDescriptor.standardInput().readAll(limit: maxBytes)), nil)
        case .source(.file(let path, _, let isFromFolder)):
            let file = try isFromFolder ? FileDescriptor.openRegular(path) : .open(path, FileDescriptor.readOnly)
            return (try check(file.readAll(limit: maxBytes)), try FileAttributes(of: file))
        }
    }

    private func check(_ bytes: [UInt8]) throws -> [UInt8] {
        if bytes.count > maxBytes { throw ImageError.tooManyBytes(actual: bytes.count, maxBytes: maxBytes) }
        return bytes
    }
}

/// A walk through a folder for images, which keeps count of what it passes over.
private struct FolderSearch {
    let recursive: Bool
    private let excluded: String?
    private(set) var items: [InputFiles.Item] = []
    private var foreignExtensions: [String: Int] = [:]
    private var folders = 0
    private var notRegular: [String] = []

    init(recursive: Bool, excluded: String?) {
        self.recursive = recursive
        self.excluded = excluded.flatMap(FileSystem.canonical)
    }

    /// Goes through a folder in the order of its names. Hidden entries don't count, nor do links to folders, which could lead
    /// in a circle.
    mutating func search(_ folder: String, below: String) throws {
        for name in try FileSystem.names(in: folder) where name.utf8.first != UInt8(ascii: ".") {
            let path = PathText.joined(folder, name)
            let below = below.isEmpty ? name : PathText.joined(below, name)
            let isImage = Self.isImage(name)
            do {
                switch try FileSystem.kind(of: path) {
                case .file where isImage: items.append(.source(.file(path, below: below, isFromFolder: true)))
                case .file: foreignExtensions[Self.fileExtension(name).map { ".\($0)" } ?? "no ending", default: 0] += 1
                case .other: notRegular.append(path)
                case .directory:
                    let canonical = FileSystem.canonical(path)
                    if let canonical, canonical == excluded { continue }
                    if recursive, FileSystem.link(at: path) == nil {
                        try search(path, below: below)
                    } else {
                        folders += 1
                    }
                }
            } catch {
                // A link that leads nowhere, or a folder that may not be read.
                if isImage || recursive { items.append(.fault(name: path, error)) }
            }
        }
    }

    func notes(about folder: String) -> [String] {
        notRegular.map { "\($0): not a regular file; passed over" } + (passedOver.map { ["\(folder): \($0)"] } ?? [])
    }

    func nothingFound(in folder: String) -> InputFiles.Fault {
        let expected = "expected names that end in .png, .jpg, .webp, .heic or .avif"
        return InputFiles.Fault(
            description: "\(folder): the folder has no images; \(expected)" + (passedOver.map { "; \($0)" } ?? ""),
            isAboutMissingInput: true)
    }

    /// What was passed over beside pipes and devices; nil if nothing was.
    private var passedOver: String? {
        var parts: [String] = []
        let files = foreignExtensions.values.reduce(0, +)
        if files > 0 {
            let kinds = foreignExtensions.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            let shown = kinds.prefix(5).map { "\($0.value) \($0.key)" } + (kinds.count > 5 ? ["..."] : [])
            parts.append("\(files) \(files == 1 ? "file" : "files") of other kinds (\(shown.joined(separator: ", ")))")
        }
        if folders > 0 {
            let hint = recursive ? "links are not followed" : "-r goes down"
            parts.append("\(folders) \(folders == 1 ? "folder" : "folders") (\(hint))")
        }
        return parts.isEmpty ? nil : "passed over \(parts.joined(separator: " and "))"
    }

    private static func isImage(_ name: String) -> Bool {
        fileExtension(name).map(ImageFormat.fileExtensions.contains) ?? false
    }

    /// What stands behind the last dot, in lower case; nil where there is none.
    private static func fileExtension(_ name: String) -> String? {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return nil }
        return String(decoding: name.utf8[name.utf8.index(after: dot)...].map(ASCII.lowercased), as: UTF8.self)
    }
}
