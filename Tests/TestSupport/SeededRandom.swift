/// A reproducible source of randomness for bounded fuzz tests (SplitMix64).
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// The bytes with one to four random edits: changed, removed, inserted or doubled parts.
    package mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        let interesting = Array("{}[]\",:\\0-1e.untf \n#&*|>!%@'$=()\u{0}\u{7f}".utf8) + [0x80, 0xc3, 0xe2, 0xff]
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            guard !bytes.isEmpty else { return bytes }
            let place = Int.random(in: 0..<bytes.count, using: &self)
            let other = Int.random(in: place...min(bytes.count, place + 24), using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0: bytes[place] = interesting.randomElement(using: &self) ?? 0
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 2: bytes.removeSubrange(place..<other)
            case 3: bytes.insert(interesting.randomElement(using: &self) ?? 0, at: place)
            case 4: bytes.insert(contentsOf: bytes[place..<other], at: place)
            default: bytes.removeLast(bytes.count - other)
            }
        }
        return bytes
    }
}

/// Documents that fuzz tests start from.
package let fuzzCorpus = [
    """
    {"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},\
    "spec":{"selector":{"app":"web"},"ports":[{"name":"http","port":80,"targetPort":"http","protocol":"TCP"}],\
    "clusterIPs":["10.96.0.10"],"sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}}}}
    """,
    #"[0,-1,1.5e10,1e-3,true,false,null,"a\u00e9\ud83d\ude00\n",{"":[{}]},[[[[]]]]]"#,
    #"{"größe":"straße \u2028","metadata":{"creationTimestamp":"2026-01-02T03:04:05Z","managedFields":[]}}"#,
]
