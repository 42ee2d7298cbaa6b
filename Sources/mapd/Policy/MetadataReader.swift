// SPDX-License-Identifier: Apache-2.0

/// Reads `metadata`: who the policy is. What a cluster adds to it is known and left aside.
enum MetadataReader {
  struct Metadata {
    var name: PolicyName
    var labels: [String: String]
    var annotations: [String: String]
  }

  private static let kubernetesFields = [
    "generateName", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers",
    "managedFields",
  ]

  static func read(_ field: Field) -> Metadata? {
    guard var fields = Fields(field) else { return nil }
    let nameField = fields.takeSet("name")
    let namespaceField = fields.takeSet("namespace")
    let labels = fields.take("labels").map { $0.texts() } ?? [:]
    let annotations = fields.take("annotations").map { $0.texts() } ?? [:]
    for name in kubernetesFields { _ = fields.take(name) }
    fields.refuseRest()
    if nameField == nil { field.problem("has no name; write metadata.name") }
    guard let name = nameField?.text(), checkName(name, longest: 253, dots: true, of: nameField!)
    else { return nil }
    var namespace = "default"
    if let namespaceField {
      guard let text = namespaceField.text(),
        checkName(text, longest: 63, dots: false, of: namespaceField)
      else {
        return nil
      }
      namespace = text
    }
    guard let labels, let annotations else { return nil }
    return Metadata(
      name: PolicyName(namespace: namespace, name: name), labels: labels, annotations: annotations)
  }

  /// Names as Kubernetes takes them: they stand in logs, labels and pins.
  private static func checkName(_ name: String, longest: Int, dots: Bool, of field: Field) -> Bool {
    let inner = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"):
        true
      case UInt8(ascii: "."): dots
      default: false
      }
    }
    let edges = [name.first, name.last].allSatisfy { $0 != nil && $0 != "-" && $0 != "." }
    guard inner, edges, !name.isEmpty, name.utf8.count <= longest else {
      field.problem(
        "\(PathError.quoted(name)) is not a name; write 1 to \(longest) of a-z, 0-9, -\(dots ? " and ." : ""), with a letter or digit first and last"
      )
      return false
    }
    return true
  }
}
