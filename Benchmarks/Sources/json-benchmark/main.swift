import Foundation
import KubeModel

/// Our JSON parser and encoder beside Foundation's, on documents as the API server sees them. Prints a Markdown table of
/// megabytes a second; the two take turns, and each figure is the median of nine rounds.
let slice: (Int) -> String = { count in
    let endpoints = (0..<count).map { index in
        """
        {"addresses":["10.0.\(index / 250).\(index % 250)"],"conditions":{"ready":true,"serving":true,\
        "terminating":false},"nodeName":"node-\(index % 7)","targetRef":{"kind":"Pod","namespace":"shop",\
        "name":"web-\(index)","uid":"0f0f0f0f-0000-4000-8000-\(100_000_000_000 + index)"}}
        """
    }
    return """
        {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"web-abcde","namespace":"shop",\
        "labels":{"kubernetes.io/service-name":"web"},"resourceVersion":"12345"},"addressType":"IPv4",\
        "ports":[{"name":"http","port":8080,"protocol":"TCP"}],"endpoints":[\(endpoints.joined(separator: ","))]}
        """
}
let documents: [(String, [UInt8])] = [
    ("a slice of 1 endpoint", Array(slice(1).utf8)), ("a slice of 100 endpoints", Array(slice(100).utf8)),
    (
        "a list of 300 such slices",
        Array(
            """
            {"apiVersion":"v1","kind":"List","items":[\(Array(repeating: slice(100), count: 300).joined(separator: ","))]}
            """.utf8)
    ),
]

func megabytesPerSecond(of bytes: Int, _ body: () throws -> Void) rethrows -> Double {
    let repeats = max(1, 4_000_000 / bytes)
    let start = ContinuousClock.now
    for _ in 0..<repeats { try body() }
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(bytes * repeats) / (Double(seconds) + Double(attoseconds) / 1e18) / 1e6
}

func median(_ values: [Double]) -> Int { Int(values.sorted()[values.count / 2]) }

print("| document | parse, MB/s | Foundation | encode, MB/s | Foundation |\n|---|---|---|---|---|")
for (name, bytes) in documents {
    let data = Data(bytes)
    let ours = try JSONParser.parse(bytes)
    let theirs = try JSONSerialization.jsonObject(with: data)
    var figures: [[Double]] = [[], [], [], []]
    for _ in 0..<9 {
        figures[0].append(try megabytesPerSecond(of: bytes.count) { _ = try JSONParser.parse(bytes) })
        figures[1].append(
            try megabytesPerSecond(of: bytes.count) { _ = try JSONSerialization.jsonObject(with: data) })
        figures[2].append(megabytesPerSecond(of: bytes.count) { _ = ours.encoded() })
        figures[3].append(
            try megabytesPerSecond(of: bytes.count) { _ = try JSONSerialization.data(withJSONObject: theirs) })
    }
    print("| \(name), \(bytes.count) bytes | " + figures.map { "\(median($0))" }.joined(separator: " | ") + " |")
}
