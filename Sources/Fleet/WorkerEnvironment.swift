// SPDX-License-Identifier: MIT

/// How the supervisor tells a process that it starts what it is.
package enum WorkerEnvironment {
    /// The environment variables.
    package enum Variable {
        package static let role = "SWIFTNET_WORKER_ROLE"
        package static let configuration = "SWIFTNET_WORKER_CONFIGURATION"
        /// The names of the models that serve already, with slashes between them.
        package static let serving = "SWIFTNET_WORKER_SERVING"
        package static let slot = "SWIFTNET_WORKER_SLOT"
        package static let threads = "SWIFTNET_WORKER_THREADS"
        package static let listeners = "SWIFTNET_WORKER_LISTENERS"
        package static let metricsListeners = "SWIFTNET_WORKER_METRICS_LISTENERS"
        package static let hasKeys = "SWIFTNET_WORKER_HAS_KEYS"
    }

    /// The numbers of the descriptors.
    package enum Descriptor {
        package static let channel: Int32 = 3
        package static let models: Int32 = 4
        package static let statistics: Int32 = 5
        package static let keys: Int32 = 6
        package static let firstListener: Int32 = 7
    }
}
