import ScopeBytes
import ScopeRobustness
import Testing

@Suite struct AttackSpecificationTests {
  @Test func readsFractionsAndDecimals() throws {
    #expect(try Epsilon(parsing: "2/255").value == 2.0 / 255)
    #expect(try Epsilon(parsing: "0.03").value == 0.03)
    #expect(try Epsilon(parsing: "1e-2").value == 0.01)
    #expect(try Epsilon(parsing: "2/255").text == "2/255")
  }

  @Test(arguments: ["", "x", "8", "1/0", "0", "-1/255", "1/2/3", "nan", "inf", "/255", "1/", "0x", "1 255"])
  func refuses(_ text: String) {
    let error = #expect(throws: ScopeError.self) { try Epsilon(parsing: text) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.found == text)
  }

  @Test func combinesNamesAndBudgets() throws {
    let list = try AttackSpecification.parse(
      names: "fgsm, PGD,pgd-l2", epsilons: "1/255,2/255", height: 32, width: 32)
    #expect(list.map(\.kind) == [.fgsm, .fgsm, .pgd, .pgd, .pgdL2, .pgdL2, .pgdL2])
    #expect(list[0].steps == 1)
    #expect(list[0].stepSize == 1.0 / 255)
    #expect(list[3].steps == 10)
    #expect(abs(list[3].stepSize - 0.5 / 255) < 1e-12)
    #expect(list[4].epsilon.value == 0.25)
    #expect(abs(list[4].stepSize - 0.05) < 1e-12)
  }

  @Test func namesWhatExistsWhenAnAttackDoesNot() {
    let error = #expect(throws: ScopeError.self) {
      try AttackSpecification.parse(names: "fgsm,deepfoul", height: 32, width: 32)
    }
    #expect(error?.expected?.contains("pgd-l2") == true)
  }

  @Test func headlineFollowsTheLiterature() throws {
    let all = AttackSpecification.defaultEpsilons.map { AttackSpecification(.fgsm, epsilon: $0) }
    #expect(HeadlineRule.choose(all, height: 32, width: 32)?.epsilon == Epsilon(8, over: 255))
    #expect(HeadlineRule.choose(all, height: 224, width: 224)?.epsilon == Epsilon(4, over: 255))
    let one = [AttackSpecification(.pgd, epsilon: Epsilon(1, over: 255))]
    let nearest = try #require(HeadlineRule.choose(one, height: 32, width: 32))
    #expect(nearest.epsilon == Epsilon(1, over: 255))
    #expect(nearest.reason.contains("8/255"))
    #expect(
      HeadlineRule.choose([AttackSpecification(.pgdL2, epsilon: Epsilon(1, over: 2))], height: 32, width: 32)
        == nil)
  }
}
