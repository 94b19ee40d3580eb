import KubeModel

/// The functions that expressions may call, operators included. What a call does is settled by its values; the
/// signatures serve to find mistakes before.
enum CELFunction: String, BitwiseCopyable, Sendable {
    case and = "_&&_"
    case or = "_||_"
    case conditional = "_?_:_"
    case not = "!_"
    case negate = "-_"
    case equals = "_==_"
    case notEquals = "_!=_"
    case less = "_<_"
    case lessEquals = "_<=_"
    case greater = "_>_"
    case greaterEquals = "_>=_"
    case add = "_+_"
    case subtract = "_-_"
    case multiply = "_*_"
    case divide = "_/_"
    case remainder = "_%_"
    case contained = "@in"
    case index = "_[_]"
    case optionalIndex = "_[?_]"
    case elements = "@elements"
    case first = "@first"
    case flatFirst = "@flatFirst"
    case size, contains, startsWith, endsWith, matches
    case int, uint, double, string, bool, bytes, duration, timestamp, dyn, type
    case getFullYear, getMonth, getDate, getDayOfMonth, getDayOfWeek, getDayOfYear
    case getHours, getMinutes, getSeconds, getMilliseconds
    case charAt, indexOf, lastIndexOf, join, lowerAscii, upperAscii, replace, split, substring, trim, format
    case quote = "strings.quote"
    case isSorted, sum, min, max
    case find, findAll
    case url, isURL, getScheme, getHost, getHostname, getPort, getEscapedPath, getQuery
    case quantity, isQuantity, sign, isInteger, asInteger, asApproximateFloat, isGreaterThan, isLessThan, compareTo
    case addQuantity = "add"
    case subtractQuantity = "sub"
    case ip, isIP, family, isUnspecified, isLoopback, isLinkLocalMulticast, isLinkLocalUnicast, isGlobalUnicast
    case isCanonical = "ip.isCanonical"
    case cidr, isCIDR, containsIP, containsCIDR, masked, prefixLength
    case setsContains = "sets.contains"
    case setsEquivalent = "sets.equivalent"
    case setsIntersects = "sets.intersects"
    case optionalOf = "optional.of"
    case optionalNone = "optional.none"
    case optionalOfNonZero = "optional.ofNonZeroValue"
    case hasValue, value, or_ = "or", orValue
    case namedFormat = "format.named"
    case validate

    struct Overload: Sendable {
        /// The target first, of a member function.
        let arguments: [CELType]
        let result: CELType
        let isMember: Bool
        /// How many type parameters there are: `A` is 0, `B` is 1.
        let parameters: Int
    }

    /// By name, for instance `startsWith` or `_+_`.
    static let overloads: [String: [Overload]] = {
        var table: [String: [Overload]] = [:]
        for line in signatures.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 3 else { continue }
            let types = words[2...].map { CELFunction.type($0) }
            for name in words[1].split(separator: ",") {
                table[String(name), default: []].append(
                    Overload(
                        arguments: Array(types.dropLast()), result: types[types.count - 1], isMember: words[0] == "m",
                        parameters: line.contains("B") ? 2 : line.contains("A") ? 1 : 0))
            }
        }
        return table
    }()

    private static func type(_ text: String) -> CELType {
        if let open = text.firstIndex(of: "<") {
            let inner = String(text[text.index(after: open)...].dropLast())
            switch text[..<open] {
            case "list": return .list(type(inner))
            case "optional": return .optional(type(inner))
            default:
                let parts = inner.split(separator: ",", maxSplits: 1).map(String.init)
                return .map(type(parts[0]), type(parts.count > 1 ? parts[1] : "dyn"))
            }
        }
        switch text {
        case "A": return .parameter(0)
        case "B": return .parameter(1)
        case "null": return .null
        case "bool": return .bool
        case "int": return .int
        case "uint": return .uint
        case "double": return .double
        case "string": return .string
        case "bytes": return .bytes
        case "time": return .timestamp
        case "span": return .duration
        case "type": return .type
        case "dyn": return .dyn
        default: return .opaque(text)
        }
    }

    /// A line is `g` (global) or `m` (member), names, the types of the arguments, and that of the result.
    private static let signatures = """
        g _&&_,_||_ bool bool bool
        g _?_:_ bool A A A
        g !_ bool bool
        g -_ int int
        g -_ double double
        g -_ span span
        g _==_,_!=_ A A bool
        g _<_,_<=_,_>_,_>=_ bool bool bool
        g _<_,_<=_,_>_,_>=_ int int bool
        g _<_,_<=_,_>_,_>=_ int uint bool
        g _<_,_<=_,_>_,_>=_ int double bool
        g _<_,_<=_,_>_,_>=_ uint int bool
        g _<_,_<=_,_>_,_>=_ uint uint bool
        g _<_,_<=_,_>_,_>=_ uint double bool
        g _<_,_<=_,_>_,_>=_ double int bool
        g _<_,_<=_,_>_,_>=_ double uint bool
        g _<_,_<=_,_>_,_>=_ double double bool
        g _<_,_<=_,_>_,_>=_ string string bool
        g _<_,_<=_,_>_,_>=_ bytes bytes bool
        g _<_,_<=_,_>_,_>=_ time time bool
        g _<_,_<=_,_>_,_>=_ span span bool
        g _+_ int int int
        g _+_ uint uint uint
        g _+_ double double double
        g _+_ string string string
        g _+_ bytes bytes bytes
        g _+_ list<A> list<A> list<A>
        g _+_ span span span
        g _+_ time span time
        g _+_ span time time
        g _-_ int int int
        g _-_ uint uint uint
        g _-_ double double double
        g _-_ span span span
        g _-_ time span time
        g _-_ time time span
        g _*_,_/_ int int int
        g _*_,_/_ uint uint uint
        g _*_,_/_ double double double
        g _%_ int int int
        g _%_ uint uint uint
        g @in A list<A> bool
        g @in A map<A,B> bool
        g _[_] list<A> int A
        g _[_] map<A,B> A B
        g _[_] optional<list<A>> int optional<A>
        g _[_] optional<map<A,B>> A optional<B>
        g _[?_] list<A> int optional<A>
        g _[?_] map<A,B> A optional<B>
        g _[?_] optional<list<A>> int optional<A>
        g _[?_] optional<map<A,B>> A optional<B>
        g @elements optional<A> list<A>
        g @first list<A> optional<A>
        g @flatFirst list<optional<A>> optional<A>
        g size string int
        g size bytes int
        g size list<A> int
        g size map<A,B> int
        m size string int
        m size bytes int
        m size list<A> int
        m size map<A,B> int
        m contains,startsWith,endsWith,matches string string bool
        g matches string string bool
        g int int int
        g int uint int
        g int double int
        g int string int
        g int time int
        g int span int
        g uint int uint
        g uint uint uint
        g uint double uint
        g uint string uint
        g double int double
        g double uint double
        g double double double
        g double string double
        g dyn A dyn
        g type A type
        g bool bool bool
        g bool string bool
        g string string string
        g string int string
        g string uint string
        g string double string
        g string bool string
        g string bytes string
        g string time string
        g string span string
        g string kubernetes.URL string
        g string net.IP string
        g string net.CIDR string
        g bytes bytes bytes
        g bytes string bytes
        g duration span span
        g duration string span
        g duration int span
        g timestamp time time
        g timestamp string time
        g timestamp int time
        m getFullYear,getMonth,getDate,getDayOfMonth,getDayOfWeek,getDayOfYear time int
        m getFullYear,getMonth,getDate,getDayOfMonth,getDayOfWeek,getDayOfYear time string int
        m getHours,getMinutes,getSeconds,getMilliseconds time int
        m getHours,getMinutes,getSeconds,getMilliseconds time string int
        m getHours,getMinutes,getSeconds,getMilliseconds span int
        m charAt string int string
        m indexOf,lastIndexOf string string int
        m indexOf,lastIndexOf string string int int
        m indexOf,lastIndexOf list<A> A int
        m join list<string> string
        m join list<string> string string
        m lowerAscii,upperAscii,trim string string
        m replace string string string string
        m replace string string string int string
        m split string string list<string>
        m split string string int list<string>
        m substring string int string
        m substring string int int string
        m format string list<dyn> string
        g strings.quote string string
        m isSorted list<int> bool
        m isSorted list<uint> bool
        m isSorted list<double> bool
        m isSorted list<bool> bool
        m isSorted list<span> bool
        m isSorted list<time> bool
        m isSorted list<string> bool
        m isSorted list<bytes> bool
        m sum list<int> int
        m sum list<uint> uint
        m sum list<double> double
        m sum list<span> span
        m min,max list<int> int
        m min,max list<uint> uint
        m min,max list<double> double
        m min,max list<bool> bool
        m min,max list<span> span
        m min,max list<time> time
        m min,max list<string> string
        m min,max list<bytes> bytes
        m find string string string
        m findAll string string list<string>
        m findAll string string int list<string>
        g url string kubernetes.URL
        g isURL string bool
        m getScheme,getHost,getHostname,getPort,getEscapedPath kubernetes.URL string
        m getQuery kubernetes.URL map<string,list<string>>
        g quantity string kubernetes.Quantity
        g isQuantity string bool
        m sign,asInteger kubernetes.Quantity int
        m isInteger kubernetes.Quantity bool
        m asApproximateFloat kubernetes.Quantity double
        m isGreaterThan,isLessThan kubernetes.Quantity kubernetes.Quantity bool
        m compareTo kubernetes.Quantity kubernetes.Quantity int
        m add,sub kubernetes.Quantity kubernetes.Quantity kubernetes.Quantity
        m add,sub kubernetes.Quantity int kubernetes.Quantity
        g ip string net.IP
        g isIP,isCIDR,ip.isCanonical string bool
        m family net.IP int
        m isUnspecified,isLoopback,isLinkLocalMulticast,isLinkLocalUnicast,isGlobalUnicast net.IP bool
        g cidr string net.CIDR
        m containsIP net.CIDR string bool
        m containsIP net.CIDR net.IP bool
        m containsCIDR net.CIDR string bool
        m containsCIDR net.CIDR net.CIDR bool
        m ip net.CIDR net.IP
        m masked net.CIDR net.CIDR
        m prefixLength net.CIDR int
        g sets.contains,sets.equivalent,sets.intersects list<A> list<A> bool
        g optional.of,optional.ofNonZeroValue A optional<A>
        g optional.none optional<A>
        m hasValue optional<A> bool
        m value optional<A> A
        m or optional<A> optional<A> optional<A>
        m orValue optional<A> A A
        g format.dns1123Label,format.dns1123Subdomain,format.dns1035Label,format.qualifiedName,format.dns1123LabelPrefix,format.dns1123SubdomainPrefix,format.dns1035LabelPrefix,format.labelValue,format.uri,format.uuid,format.byte,format.date,format.datetime kubernetes.NamedFormat
        g format.named string optional<kubernetes.NamedFormat>
        m validate kubernetes.NamedFormat string optional<list<string>>
        """
}
