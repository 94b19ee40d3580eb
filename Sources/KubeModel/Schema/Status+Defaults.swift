extension Status {
    /// 413: the defaults of the schema make too much of an object. It is the definition that is to be changed, or the lists and
    /// maps that bring the defaults along.
    public static func tooManyDefaults(of resource: GroupResource) -> Status {
        tooLarge(
            "the defaults in the schema of \(resource) would add more than \(Schema.defaultsLimit) bytes to the object")
    }
}
