// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Enforcement

@Suite struct FreeNumbersTests {
  private func take(_ count: Int, _ numbers: inout FreeNumbers) -> [UInt32] {
    (0..<count).compactMap { _ in
      guard let next = numbers.next else { return nil }
      numbers.takeNext()
      return next
    }
  }

  @Test func eachIsGivenOutOnceUntilNoneIsLeft() {
    var numbers = FreeNumbers(1..<5, without: [])
    #expect(take(9, &numbers) == [1, 2, 3, 4] && numbers.next == nil)
    numbers.giveBack(3)
    #expect(take(9, &numbers) == [3])
  }

  @Test func whatIsInUseIsNotGivenOut() {
    var numbers = FreeNumbers(0..<6, without: [4, 1])
    #expect(take(9, &numbers) == [0, 2, 3, 5])
    var full = FreeNumbers(0..<3, without: [0, 1, 2])
    #expect(full.next == nil)
    full.giveBack(1)
    #expect(take(2, &full) == [1])
  }

  @Test(arguments: [[9], [3], [.max], [0, 7]] as [[UInt32]]) func numbersOutsideAreNoMatter(_ used: [UInt32]) {
    var numbers = FreeNumbers(1..<3, without: used)
    #expect(take(9, &numbers) == [1, 2])
  }
}
