/// The finalizers that the garbage collector takes away (`metav1.FinalizerOrphanDependents`,
/// `metav1.FinalizerDeleteDependents`).
package enum CollectorFinalizer {
    package static let orphan = "orphan"
    package static let foreground = "foregroundDeletion"
}
