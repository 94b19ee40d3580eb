/// Labels of ``ServiceL2Status`` and ``ServiceBGPStatus``, as MetalLB sets them.
public enum AnnouncementLabel {
    /// The node that says so. A node may write only those that have its own name here.
    public static let node = "metallb.io/node"
    /// Name of the Service.
    public static let service = "metallb.io/service-name"
    /// Namespace of the Service.
    public static let serviceNamespace = "metallb.io/service-namespace"
}
