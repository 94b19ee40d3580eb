/// What the kernel does with maps, programs and where they are attached. Calls block; for one thread.
package protocol BPFSystem: AnyObject {
    /// A number that stands for the network namespace of the calling thread, until the next boot.
    func namespaceCookie() throws(BPFError) -> UInt64

    // MARK: Maps

    func make(_ map: BPFMap) throws(BPFError) -> BPFObject

    /// What a map that was opened is like.
    func shape(of map: BPFObject) throws(BPFError) -> BPFMap

    /// Adds an entry, or replaces it at once.
    func set(_ map: BPFObject, _ key: [UInt8], _ value: [UInt8]) throws(BPFError)

    /// - Returns: whether there was one.
    @discardableResult
    func remove(_ map: BPFObject, _ key: [UInt8]) throws(BPFError) -> Bool

    func value(_ map: BPFObject, _ key: [UInt8]) throws(BPFError) -> [UInt8]?

    /// All of a map that nobody else changes meanwhile.
    func entries(_ map: BPFObject) throws(BPFError) -> [(key: [UInt8], value: [UInt8])]

    // MARK: Programs

    /// Has the kernel check a program.
    ///
    /// - Parameter maps: those that it names.
    func load(_ program: BPFProgram, maps: [String: BPFObject]) throws(BPFError) -> BPFObject

    /// Lets a program run for all processes below a control group, beside what others attached there. Ends when nobody holds
    /// the link any more.
    func attach(_ program: BPFObject, to group: ControlGroup, at hook: BPFHook) throws(BPFError) -> BPFObject

    /// Puts another program in the place of a link's, at once.
    func replace(programOf link: BPFObject, by program: BPFObject) throws(BPFError)

    /// The control group that a link is attached to; nil where that is gone.
    func group(of link: BPFObject) throws(BPFError) -> UInt64?

    // MARK: Names, in folders of a file system of the type `bpf`

    /// Where there is none yet.
    func makeFolder(_ path: String) throws(BPFError)

    /// What is in a folder; nothing where there is no such folder.
    func names(in folder: String) -> [String]

    /// Of a folder that is empty.
    ///
    /// - Returns: whether there was one.
    func removeFolder(_ path: String) throws(BPFError) -> Bool

    /// Keeps an object, whatever becomes of this process, under a name.
    func pin(_ object: BPFObject, at path: String) throws(BPFError)

    /// Nil where there is nothing.
    func open(_ path: String) throws(BPFError) -> BPFObject?

    /// - Returns: whether there was anything.
    @discardableResult
    func unpin(_ path: String) throws(BPFError) -> Bool
}
