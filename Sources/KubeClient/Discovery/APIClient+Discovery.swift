import KubeModel

extension APIClient {
    /// Asks the server what it serves: with two requests where it has aggregated discovery (Kubernetes 1.26 and
    /// newer), with one for each version otherwise.
    ///
    /// A group whose documents cannot be read counts as stale, as long as the list of groups could be read.
    public func discover() async throws -> Discovery {
        var result = Discovery()
        for root in ["/api", "/apis"] {
            let document = try await exchange("GET", root, accept: Self.aggregatedDiscovery)
            guard let part = Discovery(aggregated: document) else {
                return try await discoverEachVersion()
            }
            result.resources += part.resources
            result.staleVersions.formUnion(part.staleVersions)
        }
        return result
    }

    private static let aggregatedDiscovery =
        ["v2", "v2beta1"].map { "application/json;g=apidiscovery.k8s.io;v=\($0);as=APIGroupDiscoveryList" }
        .joined(separator: ",") + ",application/json"

    private func discoverEachVersion() async throws -> Discovery {
        var result = Discovery()
        let core = try await raw("GET", "/api")
        for version in (core["versions"].array ?? []).compactMap(\.string) {
            await add(GroupVersion(group: "", version: version), path: "/api/\(version)", to: &result)
        }
        for group in try await raw("GET", "/apis")["groups"].array ?? [] {
            let preferred = group["preferredVersion"]["groupVersion"].string
            var versions = (group["versions"].array ?? []).compactMap { $0["groupVersion"].string }
            versions.sort { $0 == preferred && $1 != preferred }
            for version in versions.compactMap({ GroupVersion($0) }) {
                await add(version, path: "/apis/\(version)", to: &result)
            }
        }
        return result
    }

    private func add(_ version: GroupVersion, path: String, to result: inout Discovery) async {
        do {
            result.add(resourceList: try await raw("GET", path), version)
        } catch {
            // One broken group must not hide the others.
            result.staleVersions.insert(version)
        }
    }
}
