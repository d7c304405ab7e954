// SPDX-License-Identifier: MIT

import GRPC
import Protocols
import Release
import Transport

/// The fleet's numbers in the text format of Prometheus.
///
/// - Source: Prometheus' exposition formats, text format 0.0.4.
struct MetricsText {
    private(set) var bytes: [UInt8] = []

    /// - Parameter layout: How the server uses the cores; left out where nobody says.
    init(
        _ fleet: FleetStatistics, models: [ServedModel], layout: (mode: String, threadsOfWorker: Int)? = nil
    ) {
        if let layout { writeServer(layout) }
        writeRequests(fleet)
        writeDurations(fleet)
        writeModels(fleet, models)
        writeQueue(fleet)
        single("swiftnet_connections_accepted_total", "counter", "Connections accepted.", fleet.total(.accepted))
        single(
            "swiftnet_connections_evicted_total", "counter", "Idle or slow connections closed to make room.",
            fleet.total(.evicted))
        single(
            "swiftnet_connections_refused_total", "counter", "Connections refused because their address had too many.",
            fleet.total(.refusedConnections))
        single(
            "swiftnet_connections_handed_over_total", "counter", "Connections that one worker gave to another.",
            fleet.total(.handedOver))
        writeWorkers(fleet)
        single("swiftnet_connections", "gauge", "Open connections.", fleet.total(.connections))
        single(
            "swiftnet_log_lines_dropped_total", "counter", "Access log lines that could not be written.",
            fleet.total(.logLinesDropped))
        single("swiftnet_workers_ready", "gauge", "Workers that serve.", fleet[.readyWorkers])
        single(
            "swiftnet_worker_restarts_total", "counter", "Workers that ended unasked and were replaced.",
            fleet[.restarts])
        single("swiftnet_reloads_total", "counter", "Reloads that took effect.", fleet[.reloads])
        single("swiftnet_failed_reloads_total", "counter", "Reloads that were given up.", fleet[.failedReloads])
    }

    private mutating func writeServer(_ layout: (mode: String, threadsOfWorker: Int)) {
        head("swiftnet_info", "gauge", "The server's version and mode; always 1.")
        line("swiftnet_info{version=\"\(Release.version)\",mode=\"\(layout.mode)\"} 1")
        single(
            "swiftnet_worker_threads", "gauge", "Inference threads of each worker.", UInt64(layout.threadsOfWorker))
    }

    private mutating func writeRequests(_ fleet: FleetStatistics) {
        head("swiftnet_requests_total", "counter", "Answers by route and status, gRPC's own where the route is gRPC's.")
        for route in RouteLabel.allCases {
            let codes =
                route.isGRPC
                ? GRPCStatus.Code.allCases.map { ($0.rawValue, $0.name) }
                : FleetStatistics.statuses.map { ($0, String($0)) }
            for (status, name) in codes {
                let count = fleet.responses(route, status: status)
                if count > 0 { line("swiftnet_requests_total{route=\"\(route.name)\",code=\"\(name)\"} \(count)") }
            }
        }
    }

    private mutating func writeDurations(_ fleet: FleetStatistics) {
        let name = "swiftnet_request_duration_seconds"
        head(name, "histogram", "Time from a request's headers to its answer.")
        for route in RouteLabel.allCases {
            let (counts, seconds) = fleet.durations(route)
            var sum: UInt64 = 0
            if counts.allSatisfy({ $0 == 0 }) { continue }
            for (bound, count) in zip(FleetStatistics.bounds.map { String($0) } + ["+Inf"], counts) {
                sum += count
                line("\(name)_bucket{route=\"\(route.name)\",le=\"\(bound)\"} \(sum)")
            }
            line("\(name)_sum{route=\"\(route.name)\"} \(seconds)")
            line("\(name)_count{route=\"\(route.name)\"} \(sum)")
        }
    }

    private mutating func writeModels(_ fleet: FleetStatistics, _ models: [ServedModel]) {
        let families: [(String, String, ModelCounter)] = [
            ("swiftnet_model_images_total", "Images or rows answered.", .images),
            ("swiftnet_model_requests_total", "Requests that they came by.", .requests),
            ("swiftnet_model_runs_total", "Runs of the network; one may answer several requests.", .runs),
            ("swiftnet_model_failures_total", "Requests that failed.", .failures),
        ]
        for (name, help, counter) in families {
            head(name, "counter", help)
            for model in models {
                line("\(name){model=\"\(model.name)\",version=\"\(model.version)\"} \(fleet.total(counter, of: model))")
            }
        }
    }

    private mutating func writeWorkers(_ fleet: FleetStatistics) {
        let families: [(String, String, FleetStatistics.Counter)] = [
            ("swiftnet_worker_connections", "Open connections of a worker.", .connections),
            ("swiftnet_worker_queue_length", "Requests that wait in a worker.", .waiting),
            ("swiftnet_worker_private_bytes", "Memory that a worker shares with none.", .privateBytes),
            (
                "swiftnet_worker_shared_bytes", "Memory that a worker shares: models, statistics, libraries.",
                .sharedBytes
            ),
        ]
        for (name, help, counter) in families {
            head(name, "gauge", help)
            for slot in fleet.servingSlots { line("\(name){worker=\"\(slot)\"} \(fleet.value(counter, slot: slot))") }
        }
    }

    private mutating func writeQueue(_ fleet: FleetStatistics) {
        single("swiftnet_queue_length", "gauge", "Requests that wait for an inference thread.", fleet.total(.waiting))
        single(
            "swiftnet_queue_full_total", "counter", "Requests refused because the queue was full.",
            fleet.total(.refusedFull))
        single(
            "swiftnet_abandoned_total", "counter", "Requests dropped because their client had gone.",
            fleet.total(.abandoned))
        head("swiftnet_queue_seconds_total", "counter", "Time that requests waited for an inference thread.")
        line("swiftnet_queue_seconds_total \(Double(fleet.total(.queueNanoseconds)) / 1e9)")
        head("swiftnet_inference_seconds_total", "counter", "Time that inference threads worked.")
        line("swiftnet_inference_seconds_total \(Double(fleet.total(.workNanoseconds)) / 1e9)")
    }

    private mutating func single(_ name: String, _ type: String, _ help: String, _ value: UInt64) {
        head(name, type, help)
        line("\(name) \(value)")
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        line("# HELP \(name) \(help)")
        line("# TYPE \(name) \(type)")
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }
}
