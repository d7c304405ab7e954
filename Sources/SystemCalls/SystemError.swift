// SPDX-License-Identifier: MIT

import Glibc

/// A call of the operating system that failed.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name of the call, as in section 2 of the manual: `"open"`.
    public let call: String
    /// The error number that the call left, `ENOENT` for example.
    public let errno: Int32
    /// What the call was about: a path, an address, a process.
    public let subject: String?

    /// Records a failed call.
    ///
    /// - Parameters:
    ///   - call: Its name.
    ///   - errno: The error number; the calling thread's present one if left out.
    ///   - subject: A path, an address, a process.
    public init(call: String, errno: Int32 = Glibc.errno, subject: String? = nil) {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    /// "open /tmp/x: No such file or directory".
    public var description: String {
        let about = subject.map { " \($0)" } ?? ""
        return "\(call)\(about): \(String(cString: strerror(errno)))"
    }
}

/// Runs a call that answers -1 on failure, again whenever a signal interrupted it.
///
/// - Parameters:
///   - call: The call's name, for the error.
///   - subject: What it is about, for the error.
///   - body: The call.
/// - Returns: What the call returned, never -1.
/// - Throws: ``SystemError`` with the error number of any failure but `EINTR`.
@discardableResult
package func retryingInterrupts<Result: FixedWidthInteger & SignedInteger>(
    _ call: String, subject: @autoclosure () -> String? = nil, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw SystemError(call: call, errno: code, subject: subject()) }
    }
}
