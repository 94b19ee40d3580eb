/// The Service by which programs in a cluster find the API server.
package enum ServerService {
    package static let namespace = "default"
    package static let name = "kubernetes"
}
