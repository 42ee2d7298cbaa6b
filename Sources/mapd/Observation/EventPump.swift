// SPDX-License-Identifier: Apache-2.0
import ControlMessages
import Enforcement
import Glibc
import Logging
import Synchronization

/// Moves records from the ring buffer to the journal, in order, and traces to the tracer. The ring is read on a
/// thread of its own; a record is copied and handed over at once, so that the kernel's
/// buffer is empty again. The hand-over is bounded: what does not fit is counted.
public final class EventPump: Sendable {
  static let backlog = 65536

  private let stopping = Atomic(false)
  /// Records that found no room, or were not whole.
  public let dropped = Atomic<UInt64>(0)
  /// Events whose path has another key here than in the gate.
  public let disagreements = Atomic<UInt64>(0)
  /// Events compared.
  public let compared = Atomic<UInt64>(0)
  /// Traces that found no room.
  public let tracesDropped = Atomic<UInt64>(0)
  private let marks: ReadingMarks
  private let stream: AsyncStream<Step>
  private let continuation: AsyncStream<Step>.Continuation
  /// Beside the reports, so that they take no room of theirs.
  private let traces: AsyncStream<Observed>
  private let tracesContinuation: AsyncStream<Observed>.Continuation
  private let processes: ProcessReader

  private struct Observed: Sendable {
    var event: GateEvent
    var process: ProcessDetails?
  }

  private enum Step: Sendable {
    case event(Observed)
    /// All that was in the ring buffer when this mark was asked for has been handed over.
    case mark(UInt64)
  }

  /// - Parameter procfs: of the host.
  public init(marks: ReadingMarks, procfs: String = "/proc") {
    self.marks = marks
    processes = ProcessReader(root: procfs)
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.backlog))
    (traces, tracesContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Tracer.backlog))
  }

  /// Starts the reading thread.
  public func start(_ gate: Gate) throws {
    let reader = try gate.events { [self] record in
      guard let event = GateEvent(record) else {
        dropped.add(1, ordering: .relaxed)
        return
      }
      compared.add(1, ordering: .relaxed)
      if !gate.agrees(on: event) { disagreements.add(1, ordering: .relaxed) }
      // At once: the process may be gone in a moment.
      let process = processes.details(pid: event.pid, parent: event.ppid, executable: event.path)
      let observed = Observed(event: event, process: process)
      if event.isReport, case .dropped = continuation.yield(.event(observed)) { dropped.add(1, ordering: .relaxed) }
      if event.isTrace, case .dropped = tracesContinuation.yield(observed) {
        tracesDropped.add(1, ordering: .relaxed)
      }
    }
    let thread = ReadingThread { [self] in
      var told: UInt64 = 0
      while !stopping.load(ordering: .relaxed) {
        let asked = marks.latest
        guard reader.poll(milliseconds: 200), asked > told else { continue }
        if case .enqueued = continuation.yield(.mark(asked)) { told = asked }
      }
      continuation.finish()
      tracesContinuation.finish()
    }
    thread.start()
  }

  public func stop() { stopping.store(true, ordering: .relaxed) }

  /// Returns after stop().
  public func run(into journal: EventJournal, traces tracer: Tracer) async {
    async let traced: Void = tell(tracer)
    for await step in stream {
      switch step {
      case .event(let one): await journal.receive(one.event, one.process)
      case .mark(let mark): await journal.hasRead(mark)
      }
    }
    await traced
  }

  private func tell(_ tracer: Tracer) async {
    for await one in traces { await tracer.receive(one.event, one.process) }
  }
}

/// Asks the thread that reads the ring buffer to say when all that is in it has been handed over.
public final class ReadingMarks: Sendable {
  private let asked = Atomic<UInt64>(0)

  public init() {}

  /// - Returns: the mark that will come then.
  func ask() -> UInt64 { asked.add(1, ordering: .sequentiallyConsistent).newValue }

  fileprivate var latest: UInt64 { asked.load(ordering: .sequentiallyConsistent) }
}

/// A detached POSIX thread with a closure.
private final class ReadingThread {
  private let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  func start() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    pthread_create(&thread, nil, runReadingThread, context)
    pthread_detach(thread)
  }

  fileprivate func run() { body() }
}

private func runReadingThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<ReadingThread>.fromOpaque(context!).takeRetainedValue().run()
  return nil
}
