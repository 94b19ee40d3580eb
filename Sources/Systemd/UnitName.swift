/// Names of units and the objects that stand for them on the bus.
enum UnitName {
    private static let root = "/org/freedesktop/systemd1/unit/"

    /// The object of a unit: what is neither a letter nor a digit is written `_` and two hexadecimal digits, and so is a
    /// digit at the beginning (sd_bus_path_encode(3)).
    static func objectPath(_ unit: String) -> String {
        var path = root
        for (index, byte) in unit.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                path.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > 0: path.unicodeScalars.append(Unicode.Scalar(byte))
            default: path += "_" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return path
    }
}
