import KubeModel
import Store
final class Schema: Sendable { func validate(_ v: JSONValue) -> [FieldError] { [] }; func applyDefaults(_ v: inout JSONValue) {}; func prune(_ v: inout JSONValue) -> [String] { [] } }
struct OpenAPIDocument { init(json: [UInt8]) throws {} }
struct SchemaRegistry { init(documents: [OpenAPIDocument]) throws {}; func schema(for: GroupVersionKind) -> Schema? { nil } }
struct PatchError: Error { func status(kind: GroupKind, name: String) -> Status { .badRequest("") } }
enum JSONPatch { static func apply(_ p: JSONValue, to: JSONValue) throws(PatchError) -> JSONValue { to } }
enum MergePatch { static func apply(_ p: JSONValue, to: JSONValue) throws(PatchError) -> JSONValue { to } }
enum StrategicMergePatch { static func apply(_ p: JSONValue, to: JSONValue, schema: Schema?) throws(PatchError) -> JSONValue { to } }
enum YAMLDocument { static func parse(_ b: [UInt8]) throws -> JSONValue { .null }; static func encode(_ v: JSONValue) -> [UInt8] { [] } }
struct CachedObject: Sendable { var namespace = "", name = "", uid = "", labels: [String: String] = [:], fields: [String: String] = [:], bytes: [UInt8] = [], revision = Revision(0), createRevision = Revision(0)
  var relativeKey: String { name }
  static func bytes(_ b: [UInt8], with: Revision) -> [UInt8] { b } }
struct ObjectSummary: Sendable { static func extract(_ b: [UInt8], _ s: any ResourceStrategy) -> ObjectSummary { ObjectSummary() } }
struct ResourceCache: Sendable { init(store: any Store, prefix: String, extract: @Sendable ([UInt8]) -> ObjectSummary) throws(StoreError) {}
 func get(namespace: String, name: String) -> CachedObject? { nil }
 func list(namespace: String?, labels: Selector?, fields: FieldSelector?) -> (items: [CachedObject], revision: Revision) { ([], .zero) }
 func listPage(namespace: String?, labels: Selector?, fields: FieldSelector?, at: Revision, after: String?, limit: Int?) throws(StoreError) -> (items: [CachedObject], revision: Revision, hasMore: Bool, remaining: Int) { ([], .zero, false, 0) }
}
struct WatchRequest { var namespace: String?, name: String?, labels: Selector?, fields: FieldSelector?, from: Revision?, sendsInitialEvents: Bool, marksInitialEventsEnd: Bool }
struct WatchEncoder { var resource: ServedResource, shape: ResponseShape, included: TableRenderer.IncludedObject, now: Timestamp }
final class WatchSession: Sendable { init(encoder: WatchEncoder, bufferBytes: Int, wantsBookmarks: Bool) { self.wantsBookmarks = wantsBookmarks }
 let wantsBookmarks: Bool; var isClosed: Bool { true }; func sendBookmark() {}; func finish() {}; func onClose(_ h: @escaping @Sendable () -> Void) {}
 func open(_ c: ResourceCache, _ r: WatchRequest, _ w: any ResponseWriter) throws(Status) {} }
