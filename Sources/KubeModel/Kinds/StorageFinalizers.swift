/// What keeps storage from going while somebody uses it (KEP-499): set when it is created, taken away by
/// `storage-protection`.
public enum StorageFinalizers {
    /// Of a PersistentVolumeClaim.
    public static let claim = "kubernetes.io/pvc-protection"
    /// Of a PersistentVolume.
    public static let volume = "kubernetes.io/pv-protection"
}
