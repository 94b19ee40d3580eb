import Testing

/// Everything that starts processes, one test after the other: the machine may have two cores.
@Suite("Everything that starts processes", .serialized) struct EndToEnd {}
