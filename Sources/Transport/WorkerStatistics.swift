// SPDX-License-Identifier: MIT

import HTTP
import Synchronization
import SystemCalls

/// The parts of the server that are counted apart.
package enum RouteLabel: Int, CaseIterable, Sendable {
    case inference, predict, rotate, v1, v2, health, metrics, admin, page, other
    case grpcPhoto, grpcInference, grpcHealth, grpcReflection, grpcOther

    /// The name in metrics and logs.
    package var name: String {
        switch self {
        case .grpcPhoto: "grpc_photo"
        case .grpcInference: "grpc_v2"
        case .grpcHealth: "grpc_health"
        case .grpcReflection: "grpc_reflection"
        case .grpcOther: "grpc_other"
        default: String(describing: self)
        }
    }

    /// Whether its answers are counted by the status of gRPC in place of HTTP's, which is always 200.
    package var isGRPC: Bool { rawValue >= RouteLabel.grpcPhoto.rawValue }
}

/// The numbers of all workers, in memory that they share. Each worker counts in a slot of its own, which its successor
/// takes over: so a sum over the slots is right whoever asks, and never goes back when a worker dies.
package final class FleetStatistics: Sendable {
    /// Numbers of a slot that count one thing each.
    package enum Counter: Int, CaseIterable, Sendable {
        case abandoned, accepted, evicted, refusedConnections, handedOver, images, runs, refusedFull, logLinesDropped
        case queueNanoseconds, workNanoseconds
        // Those from here on go up and down, and fall to zero with their worker.
        case connections, waiting, heartbeat
        /// Requests whose work has been taken on and is not done.
        case inHand
        /// 1 while the worker takes connections.
        case isServing
        /// Memory that the worker shares with none, and that it shares.
        case privateBytes, sharedBytes

        var isGauge: Bool { rawValue >= Counter.connections.rawValue }
    }

    /// Numbers that the supervisor keeps for all.
    package enum FleetCell: Int, Sendable {
        case isDraining, restarts, readyWorkers, reloads, failedReloads, slotsInUse
    }

    /// The statuses counted; any other counts as 500. Those of gRPC, 0 to 16, have as many places.
    package static let statuses = [
        200, 304, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 417, 422, 431, 500, 501, 503, 504, 505,
    ]
    /// The upper ends of the histogram's ranges, in seconds; one more holds the rest.
    package static let bounds = [
        0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
    /// Slots for workers, those that drain among them.
    package static let slotCount = 128
    private static let cellsPerSlot = 1024
    private static let firstResponseCell = 32
    private static let firstDurationCell = firstResponseCell + RouteLabel.allCases.count * statuses.count
    private static let durationCells = bounds.count + 2
    private static let firstModelCell = firstDurationCell + RouteLabel.allCases.count * durationCells
    /// Where row 0 keeps which model has which place.
    private static let firstModelName = 64

    private let memory: SharedMemory
    /// What to give to a worker.
    package var descriptor: FileDescriptor { memory.descriptor }

    /// Makes zeroed numbers.
    ///
    /// - Throws: `SystemError`.
    package init() throws {
        let cells = (Self.slotCount + 1) * Self.cellsPerSlot
        memory = try SharedMemory(name: "swiftnet-statistics", byteCount: cells * 8)
    }

    /// Maps the numbers that another process made.
    ///
    /// - Throws: `SystemError`.
    package init(mapping descriptor: FileDescriptor) throws {
        memory = try SharedMemory(mapping: descriptor)
        precondition(
            memory.bytes.count == (Self.slotCount + 1) * Self.cellsPerSlot * 8,
            "the descriptor holds the statistics of another version")
    }

    /// One number. Row 0 is the fleet's, row `slot + 1` a slot's.
    private func cell(row: Int, _ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        let offset = (row * Self.cellsPerSlot + index) * 8
        precondition(offset + 8 <= memory.bytes.count && offset >= 0, "no such number")
        return memory.bytes.baseAddress.unsafelyUnwrapped.advanced(by: offset)
            .assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// One of the supervisor's numbers.
    package subscript(fleet: FleetCell) -> UInt64 {
        get { cell(row: 0, fleet.rawValue).pointee.load(ordering: .acquiring) }
        set { cell(row: 0, fleet.rawValue).pointee.store(newValue, ordering: .releasing) }
    }

    /// Adds to one of the supervisor's numbers.
    package func add(_ amount: UInt64, to fleet: FleetCell) {
        cell(row: 0, fleet.rawValue).pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    /// A slot's number.
    package func value(_ counter: Counter, slot: Int) -> UInt64 {
        cell(row: slot + 1, counter.rawValue).pointee.load(ordering: .relaxed)
    }

    /// Sets a slot's number.
    package func set(_ counter: Counter, slot: Int, to value: UInt64) {
        cell(row: slot + 1, counter.rawValue).pointee.store(value, ordering: .relaxed)
    }

    package func add(_ amount: UInt64, to counter: Counter, slot: Int) {
        cell(row: slot + 1, counter.rawValue).pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Sets the numbers that go up and down to zero, after the slot's worker has ended.
    package func clearGauges(slot: Int) {
        for counter in Counter.allCases where counter.isGauge { set(counter, slot: slot, to: 0) }
    }

    func record(route: RouteLabel, status: HTTPStatus, grpcStatus: Int?, seconds: Double, slot: Int) {
        let code =
            route.isGRPC
            ? min(max(grpcStatus ?? Self.unknownGRPCStatus, 0), Self.lastGRPCStatus)
            : Self.statuses.firstIndex(of: status.code) ?? Self.statuses.firstIndex(of: 500) ?? 0
        let response = Self.firstResponseCell + route.rawValue * Self.statuses.count + code
        cell(row: slot + 1, response).pointee.wrappingAdd(1, ordering: .relaxed)
        let first = Self.firstDurationCell + route.rawValue * Self.durationCells
        let range = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        cell(row: slot + 1, first + range).pointee.wrappingAdd(1, ordering: .relaxed)
        cell(row: slot + 1, first + Self.bounds.count + 1).pointee.wrappingAdd(
            UInt64(seconds * 1e9), ordering: .relaxed)
    }

    // MARK: Models

    /// Marks a place as a model's if it is free.
    ///
    /// - Returns: Whose place it is.
    func claimModelPlace(_ place: Int, _ name: UInt64) -> UInt64 {
        let (isFree, owner) = cell(row: 0, Self.firstModelName + place).pointee.compareExchange(
            expected: 0, desired: name, ordering: .relaxed)
        return isFree ? name : owner
    }

    private func modelCell(_ place: Int, _ counter: ModelCounter) -> Int {
        Self.firstModelCell + place * ModelCounter.allCases.count + counter.rawValue
    }

    func modelCells(_ place: Int, _ counter: ModelCounter) -> [UInt64] {
        let slots = min(Int(self[.slotsInUse]), Self.slotCount)
        return (0..<slots).map {
            cell(row: $0 + 1, modelCell(place, counter)).pointee.load(ordering: .relaxed)
        }
    }

    func add(_ amount: UInt64, to counter: ModelCounter, place: Int, slot: Int) {
        cell(row: slot + 1, modelCell(place, counter)).pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    func setLastRun(_ milliseconds: UInt64, place: Int, slot: Int) {
        cell(row: slot + 1, modelCell(place, .lastMilliseconds)).pointee.store(milliseconds, ordering: .relaxed)
    }

    // MARK: Sums

    private func sum(_ index: Int) -> UInt64 {
        let slots = min(Int(self[.slotsInUse]), Self.slotCount)
        return (0..<slots).reduce(0) { $0 &+ cell(row: $1 + 1, index).pointee.load(ordering: .relaxed) }
    }

    /// A number of each worker that takes connections, whatever its generation.
    package func servingWorkers(_ counter: Counter) -> [UInt64] {
        servingSlots.map { value(counter, slot: $0) }
    }

    /// The slots of these workers.
    package var servingSlots: [Int] {
        (0..<min(Int(self[.slotsInUse]), Self.slotCount)).filter { value(.isServing, slot: $0) != 0 }
    }

    /// A number summed over the slots.
    package func total(_ counter: Counter) -> UInt64 { sum(counter.rawValue) }

    private static let unknownGRPCStatus = 2
    private static let lastGRPCStatus = 16

    /// Responses so far.
    ///
    /// - Parameter status: Of HTTP, or of gRPC for a route of gRPC.
    package func responses(_ route: RouteLabel, status: Int) -> UInt64 {
        let place =
            route.isGRPC ? (0...Self.lastGRPCStatus ~= status ? status : nil) : Self.statuses.firstIndex(of: status)
        guard let code = place else { return 0 }
        return sum(Self.firstResponseCell + route.rawValue * Self.statuses.count + code)
    }

    /// How many requests took how long: a number for each range, and the sum of the seconds.
    package func durations(_ route: RouteLabel) -> (counts: [UInt64], seconds: Double) {
        let first = Self.firstDurationCell + route.rawValue * Self.durationCells
        return (
            (0...Self.bounds.count).map { sum(first + $0) }, Double(sum(first + Self.bounds.count + 1)) / 1e9
        )
    }
}

/// One worker's slot of the statistics.
package struct WorkerStatistics: Sendable {
    /// The numbers of all workers.
    package let fleet: FleetStatistics
    /// This worker's slot.
    package let slot: Int

    package init(fleet: FleetStatistics, slot: Int) {
        precondition((0..<FleetStatistics.slotCount).contains(slot), "no such slot")
        self.fleet = fleet
        self.slot = slot
    }

    package func add(_ amount: UInt64, to counter: FleetStatistics.Counter) {
        fleet.add(amount, to: counter, slot: slot)
    }

    package func set(_ counter: FleetStatistics.Counter, to value: Int) {
        fleet.set(counter, slot: slot, to: UInt64(max(value, 0)))
    }

    func record(_ route: RouteLabel, _ response: Response, seconds: Double) {
        fleet.record(
            route: route, status: response.status, grpcStatus: response.grpcStatus, seconds: seconds, slot: slot)
    }
}
