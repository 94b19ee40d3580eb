internal import COpenSSL
internal import Glibc
internal import Passwords

/// Passwords that were right not long ago, so that each request need not cost what a check costs by design. Of one loop.
///
/// What is kept is a keyed hash of the password and of what it was compared with: who reads the memory finds no password, and
/// what is compared with something else since is not found. Nobody who does not know a password can put anything in.
struct CredentialCache {
    struct Key: Equatable, Sendable {
        fileprivate var high: UInt64
        fileprivate var low: UInt64
    }

    private struct Entry {
        var key = Key(high: 0, low: 0)
        /// Nanoseconds of the loop's clock.
        var until: UInt64 = 0
    }

    static let lifetimeNanoseconds: UInt64 = 60_000_000_000
    private static let ways = 4
    private static let sets = 512

    private let secret: [UInt8]
    /// Empty until something is remembered.
    private var entries: [Entry] = []

    init() {
        var secret = [UInt8](repeating: 0, count: 32)
        secret.withUnsafeMutableBytes { _ = getentropy($0.baseAddress, $0.count) }
        self.secret = secret
    }

    /// nil where it cannot be made.
    func key(_ password: [UInt8], _ hash: PasswordHash) -> Key? {
        let text = hash.text + [0] + password
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard HMAC(EVP_sha256(), secret, Int32(secret.count), text, text.count, &digest, &count) != nil, count == 32
        else { return nil }
        return digest.withUnsafeBytes { bytes in
            Key(
                high: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                low: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }

    func contains(_ key: Key, now: UInt64) -> Bool {
        if entries.isEmpty { return false }
        let start = Self.start(of: key)
        return (start..<start + Self.ways).contains { entries[$0].until > now && entries[$0].key == key }
    }

    /// Remembers a password that was found right; the oldest of its set goes for it.
    mutating func insert(_ key: Key, now: UInt64) {
        if entries.isEmpty { entries = Array(repeating: Entry(), count: Self.sets * Self.ways) }
        let start = Self.start(of: key)
        let places = start..<start + Self.ways
        let place =
            places.first { entries[$0].key == key }
            ?? places.min { entries[$0].until < entries[$1].until } ?? start
        entries[place] = Entry(key: key, until: now + Self.lifetimeNanoseconds)
    }

    private static func start(of key: Key) -> Int { Int(key.low % UInt64(sets)) * ways }
}
