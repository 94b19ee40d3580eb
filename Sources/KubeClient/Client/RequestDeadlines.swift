/// How long a client waits before it takes the server, or the way to it, for gone. A connection on which nothing
/// comes looks the same as a quiet one, so each kind of answer has a time of its own.
public struct RequestDeadlines: Sendable, Hashable {
    /// For the whole answer of a request on one object, and for the head of a watch.
    public var answer: Duration
    /// For a whole list or collection.
    public var list: Duration
    /// Between two pieces of a list's body.
    public var listSilence: Duration
    /// Between two events of a watch with bookmarks: servers send one a minute (KEP-956).
    public var watchSilence: Duration
    /// After the time at which the server should have ended a watch.
    public var watchSlack: Duration

    public init(
        answer: Duration = .seconds(30), list: Duration = .seconds(300), listSilence: Duration = .seconds(30),
        watchSilence: Duration = .seconds(150), watchSlack: Duration = .seconds(30)
    ) {
        self.answer = answer
        self.list = list
        self.listSilence = listSilence
        self.watchSilence = watchSilence
        self.watchSlack = watchSlack
    }

    /// What a server takes that is not told when to end a watch: kube-apiserver half an hour to an hour.
    static let longestWatch: Duration = .seconds(3600)
}
