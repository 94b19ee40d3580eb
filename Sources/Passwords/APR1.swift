internal import COpenSSL

/// Apache's variant of the MD5 of crypt(5) (`apr_md5_encode` of APR): the same steps with another mark in front, which libcrypt does
/// not have.
enum APR1 {
    private static let mark = Array("$apr1$".utf8)
    private static let alphabet = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// The whole text, as a file has it. Empty where there is no MD5.
    static func hash(_ password: [UInt8], salt: [UInt8]) -> [UInt8] {
        var inner = md5(password + salt + password)
        guard inner.count == 16 else { return [] }
        var first = password + mark + salt
        for index in password.indices { first.append(inner[index % 16]) }
        var bits = password.count
        while bits > 0 {
            first.append(bits & 1 == 1 ? 0 : password[0])
            bits >>= 1
        }
        inner = md5(first)
        for round in 0..<1_000 {
            var next = round & 1 == 1 ? password : inner
            if round % 3 != 0 { next += salt }
            if round % 7 != 0 { next += password }
            next += round & 1 == 1 ? inner : password
            inner = md5(next)
            if inner.count != 16 { return [] }
        }
        var text = mark + salt + [UInt8(ascii: "$")]
        for index in 0..<5 {
            let last = index == 4 ? 5 : index + 12
            append(UInt32(inner[index]) << 16 | UInt32(inner[index + 6]) << 8 | UInt32(inner[last]), 4, to: &text)
        }
        append(UInt32(inner[11]), 2, to: &text)
        return text
    }

    private static func append(_ number: UInt32, _ count: Int, to text: inout [UInt8]) {
        for index in 0..<count { text.append(alphabet[Int(number >> (6 * UInt32(index)) & 0x3F)]) }
    }

    private static func md5(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 16)
        guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_md5(), nil) == 1 else { return [] }
        return digest
    }
}
