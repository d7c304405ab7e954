// SPDX-License-Identifier: MIT

import HTTP

/// A request that is refused, with its status.
package struct RequestRefusal: Error, Equatable, Sendable {
    /// The status.
    package let status: HTTPStatus
    /// A sentence for the client.
    package let message: String

    package init(_ status: HTTPStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
