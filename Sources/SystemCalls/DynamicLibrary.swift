// SPDX-License-Identifier: MIT

import Glibc

/// A shared library that is opened while the process runs. It stays open until the process ends.
package struct DynamicLibrary: @unchecked Sendable {
    // Sendable because a handle is only ever read.

    private let handle: UnsafeMutableRawPointer

    /// Opens a library, or finds it if it is open already.
    ///
    /// - Parameters:
    ///   - name: A file's name, which is looked for where the system's loader looks, or a path.
    ///   - variable: An environment variable that the library is to find while it starts; then it is as it was. Other threads
    ///     should not read the environment meanwhile.
    /// - Throws: ``DynamicLibraryError`` with what the loader says.
    package init(_ name: String, variable: (name: String, value: String)) throws(DynamicLibraryError) {
        let before = ProcessEnvironment.value(variable.name)
        if before != variable.value { setenv(variable.name, variable.value, 1) }
        let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL)
        if let before, before != variable.value { setenv(variable.name, before, 1) }
        if before == nil { unsetenv(variable.name) }
        guard let handle else { throw DynamicLibraryError(message: Self.lastError(name)) }
        self.handle = handle
    }

    /// Opens a library, or finds it if it is open already.
    ///
    /// - Parameter name: A file's name, which is looked for where the system's loader looks, or a path.
    /// - Throws: ``DynamicLibraryError`` with what the loader says.
    package init(_ name: String) throws(DynamicLibraryError) {
        guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
            throw DynamicLibraryError(message: Self.lastError(name))
        }
        self.handle = handle
    }

    /// The address of a function or variable; nil if the library has none of that name.
    package func address(of symbol: String) -> UnsafeMutableRawPointer? { dlsym(handle, symbol) }

    /// The address of a function or variable that the library must have.
    ///
    /// - Throws: ``DynamicLibraryError`` that names what is missing.
    package func requiredAddress(of symbol: String) throws(DynamicLibraryError) -> UnsafeMutableRawPointer {
        guard let address = dlsym(handle, symbol) else { throw DynamicLibraryError(message: Self.lastError(symbol)) }
        return address
    }

    private static func lastError(_ name: String) -> String {
        guard let text = dlerror() else { return "\(name): the loader gives no reason" }
        return String(cString: text)
    }
}

/// A shared library could not be opened.
package struct DynamicLibraryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the system's loader says: one line that begins with the library's name.
    package let message: String
    package var description: String { message }
}
