// SPDX-License-Identifier: Apache-2.0

extension ContainerRecord {
  /// The JSON that `Decodable` reads; a test holds it against what `Encodable` writes.
  func json() -> [UInt8] {
    let writer = JSONWriter()
    writer.object {
      writer.member("identity") { identity.write(to: writer) }
      writer.member("bundle", bundle)
      writer.member("rootPath", rootPath)
      writer.member("makesPidNamespace", makesPidNamespace)
      writer.member("pid", pid)
      writer.member("initStartTicks", initStartTicks)
      writer.member("cgroup") {
        writer.member("id", cgroup.id)
        writer.member("hierarchy", cgroup.hierarchy)
        writer.member("controller", cgroup.controller)
        writer.member("path", cgroup.path)
        writer.member("directory", cgroup.directory)
      }
      writer.member("hasStarted", hasStarted)
      if let bound { writer.member("bound") { bound.write(to: writer) } }
    }
    return writer.bytes
  }
}

extension ContainerIdentity {
  fileprivate func write(to writer: JSONWriter) {
    writer.member("id", id)
    writer.member("name", name)
    writer.member("pod", pod)
    writer.member("namespace", namespace)
    writer.member("podUID", podUID)
    writer.member("image", image)
    writer.member("isSandbox", isSandbox)
    if let owner {
      writer.member("owner") {
        writer.member("kind", owner.kind.rawValue)
        writer.member("name", owner.name)
      }
    }
    writer.member("labels", labels)
    writer.member("annotations", annotations)
  }
}

extension ContainerRecord.Bound {
  fileprivate func write(to writer: JSONWriter) {
    writer.member("binding", binding)
    writer.member("ruleSet", ruleSet)
    writer.member("policies", each: policies) { writer.string($0) }
    writer.member("mode", mode)
    writer.member("allow", allow)
    writer.member("rules", each: rules) { rule in
      writer.object {
        writer.member("path", rule.path.text)
        writer.member("use", rule.use)
      }
    }
    writer.member("links", each: links) { link in
      writer.object {
        writer.member("listed", link.listed)
        writer.member("resolved", link.resolved)
      }
    }
    writer.member("lookups") {
      writer.member("entries", each: lookups.entries) { entry in
        writer.object {
          writer.member("listed", entry.listed.text)
          writer.member("found") {
            writer.member("path", entry.found.path)
            writer.member("isDirectory", entry.found.isDirectory)
            writer.member("interpreter", entry.found.interpreter)
          }
        }
      }
    }
    writer.member("since", since)
    writer.member("sinceNanoseconds", sinceNanoseconds)
  }
}
