// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Shared

@Suite struct PathKeyTests {
  private let secret = PathSecret(1, 2, 3, 4)

  private func words(_ bytes: [UInt8]) -> [UInt64] {
    stride(from: 0, to: bytes.count, by: 8).map { start in
      bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  @Test func `SipHash agrees with the reference`() throws {
    let vectors = try Fixtures.vectors("siphash-vectors.txt")
    #expect(vectors.count == 8)
    for vector in vectors {
      let key = words(vector[0])
      var hash = SipHash(key0: key[0], key1: key[1])
      for word in words(vector[1] + [UInt8(truncatingIfNeeded: vector[1].count)]) {
        hash.absorb(word)
      }
      #expect([hash.finish()] == words(vector[2]))
    }
  }

  @Test func `every shared vector is reproduced`() throws {
    let vectors = try Fixtures.vectors("path-key-vectors.txt")
    #expect(vectors.count > 400)
    for vector in vectors {
      let secret = try #require(PathSecret(bytes: vector[0]))
      let key = try PathKey(secret: secret, path: vector[1])
      #expect([key.lane0, key.lane1] == words(vector[2]), "\(vector[1].text)")
    }
  }

  @Test func `the root has the key zero`() throws {
    #expect(try PathKey(secret: secret, path: .init("/")) == .root)
    #expect(PathKey.root == PathKey(lane0: 0, lane1: 0))
  }

  @Test func `slashes that repeat or trail change nothing`() throws {
    let key = try PathKey(secret: secret, path: .init("/usr/lib"))
    #expect(try PathKey(secret: secret, path: .init("//usr///lib/")) == key)
  }

  @Test func `the order and split of components change the key`() throws {
    let paths = ["/a/b", "/b/a", "/ab", "/a", "/a/b/", "/a/a", "/a/b/b"]
    let keys = try paths.map { try PathKey(secret: secret, path: .init($0)) }
    #expect(Set(keys).count == paths.count - 1)  // "/a/b" and "/a/b/" are one
  }

  @Test func `a walk yields the key of every parent`() throws {
    var seen: [PathKey] = []
    let count = try PathKey.eachPrefix(of: .init("/usr/lib/x"), secret: secret) { key, position in
      seen.append(key)
      #expect(position == seen.count)
    }
    #expect(count == 3)
    #expect(
      try seen
        == ["/usr", "/usr/lib", "/usr/lib/x"].map {
          try PathKey(secret: secret, path: .init($0))
        })
  }

  @Test func `components can be added leaf first`() throws {
    var key = PathKey.root
    key.add(component: [UInt8]("psql")[...], position: 3, secret: secret)
    key.add(component: [UInt8]("usr")[...], position: 1, secret: secret)
    key.add(component: [UInt8]("bin")[...], position: 2, secret: secret)
    #expect(try key == PathKey(secret: secret, path: .init("/usr/bin/psql")))
  }

  @Test func `paths at the limits have keys and those beyond have none`() throws {
    let name = String(repeating: "n", count: 255)
    _ = try PathKey(secret: secret, path: .init("/" + name))
    #expect(throws: PathKeyError.componentTooLong) {
      try PathKey(secret: secret, path: .init("/" + name + "n"))
    }
    _ = try PathKey(secret: secret, path: .init(String(repeating: "/d", count: 64)))
    #expect(throws: PathKeyError.tooDeep) {
      try PathKey(secret: secret, path: .init(String(repeating: "/d", count: 65)))
    }
  }

  @Test(arguments: [
    ("", PathKeyError.notAbsolute), ("usr/bin", .notAbsolute), ("./x", .notAbsolute),
    ("/a/../b", .dotComponent), ("/.", .dotComponent), ("/a/..", .dotComponent),
    ("/a\0b", .containsNul),
  ])
  func `a path that is no kernel path has no key`(path: String, error: PathKeyError) {
    #expect(throws: error) { try PathKey(secret: secret, path: .init(path)) }
  }

  @Test func `names that begin with dots are names`() throws {
    #expect(
      try PathKey(secret: secret, path: .init("/...")) != PathKey(secret: secret, path: .init("/")))
    _ = try PathKey(secret: secret, path: .init("/..a/.b"))
  }

  @Test func `a secret has 32 bytes, half for each lane`() {
    #expect(PathSecret(bytes: Array(repeating: 1, count: 31)) == nil)
    #expect(PathSecret(bytes: Array(repeating: 1, count: 33)) == nil)
    let secret = PathSecret(bytes: Array(0..<32))
    #expect(secret?.lane0.0 == 0x0706_0504_0302_0100)
    #expect(secret?.lane1.1 == 0x1f1e_1d1c_1b1a_1918)
  }

  @Test func `equal lane secrets give equal lanes and no others do`() throws {
    let same = try PathKey(secret: PathSecret(1, 2, 1, 2), path: .init("/usr/bin/psql"))
    #expect(same.lane0 == same.lane1)
    let key = try PathKey(secret: secret, path: .init("/usr/bin/psql"))
    #expect(key.lane0 == same.lane0 && key.lane1 != key.lane0)
  }
}
