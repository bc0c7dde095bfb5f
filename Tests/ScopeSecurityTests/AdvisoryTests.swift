import ScopeGraph
import ScopeSecurity
import Testing

@Suite struct AdvisoryTests {
  private func attack(
    _ name: String, _ epsilon: Double, _ text: String, _ robust: Double, _ optimized: Double? = nil
  ) -> AdvisoryEvidence.Attack {
    AdvisoryEvidence.Attack(
      name: name, norm: "Linf", epsilon: epsilon, epsilonText: text, robustAccuracy: robust,
      optimizedRobustAccuracy: optimized)
  }

  @Test func nothingFollowsFromNothing() {
    #expect(DeploymentAdvisories.findings(AdvisoryEvidence()).isEmpty)
  }

  @Test func theQuantizedModelsLossIsQuoted() throws {
    var evidence = AdvisoryEvidence()
    evidence.cleanAccuracy = 0.8135
    evidence.optimizedAccuracy = 0.8135
    evidence.isQuantized = true
    evidence.attacks = [
      attack("PGD", 2 / 255, "2/255", 0.109, 0.078), attack("PGD", 1 / 255, "1/255", 0.2, 0.2),
    ]
    let finding = try #require(DeploymentAdvisories.findings(evidence).first { $0.rule == "ADV001" })
    #expect(
      finding.title
        == "Quantized model loses 3.1 points more under PGD at 2/255 than the original (measured here)")
    #expect(finding.severity == .medium)
    #expect(finding.evidence.contains("10.9%") && finding.evidence.contains("7.8%"))
  }

  @Test func aLossOfCleanAccuracyIsNotCountedTwice() {
    var evidence = AdvisoryEvidence()
    evidence.cleanAccuracy = 0.8
    evidence.optimizedCleanAccuracy = 0.7
    evidence.originalAccuracy = 0.8
    evidence.optimizedAccuracy = 0.7
    evidence.attacks = [attack("PGD", 2 / 255, "2/255", 0.5, 0.4)]
    let rules = DeploymentAdvisories.findings(evidence).map(\.rule)
    #expect(!rules.contains("ADV001"))
    #expect(rules.contains("ADV006"))
  }

  @Test func ageNeedsARecognisedArchitecture() throws {
    var evidence = AdvisoryEvidence()
    evidence.currentYear = 2026
    #expect(DeploymentAdvisories.findings(evidence).isEmpty)
    evidence.architecture = .init(family: "ResNet", year: 2015, source: "He et al., arXiv 1512.03385")
    let finding = try #require(DeploymentAdvisories.findings(evidence).first)
    #expect(finding.title.contains("2015 (He et al., arXiv 1512.03385)"))
    #expect(finding.severity == .low)
    evidence.architecture = .init(family: "New", year: 2024, source: "x")
    #expect(DeploymentAdvisories.findings(evidence).isEmpty)
  }

  @Test func noRobustnessIsHigh() throws {
    var evidence = AdvisoryEvidence()
    evidence.cleanAccuracy = 0.8135
    evidence.attacks = [attack("FGSM", 8 / 255, "8/255", 0.0725)]
    let finding = try #require(DeploymentAdvisories.findings(evidence).first { $0.rule == "ADV003" })
    #expect(finding.severity == .high)
    #expect(finding.evidence.contains("81.3%") || finding.evidence.contains("81.4%"))
    #expect(finding.evidence.contains("7.2%") || finding.evidence.contains("7.3%"))
    evidence.attacks = [attack("FGSM", 64 / 255, "64/255", 0.01)]
    #expect(!DeploymentAdvisories.findings(evidence).contains { $0.rule == "ADV003" })
  }

  @Test func formatAndSignature() {
    var evidence = AdvisoryEvidence()
    evidence.fileFormat = "pytorch-zip"
    evidence.hasSignature = false
    evidence.sha256 = "abc"
    #expect(Set(DeploymentAdvisories.findings(evidence).map(\.rule)) == ["ADV004", "ADV005"])
    evidence.fileFormat = "onnx"
    evidence.hasSignature = true
    #expect(DeploymentAdvisories.findings(evidence).isEmpty)
  }

  @Test func fewImagesGiveAWideInterval() throws {
    var evidence = AdvisoryEvidence()
    evidence.cleanAccuracy = 0.9
    evidence.evaluationImages = 20
    let finding = try #require(DeploymentAdvisories.findings(evidence).first { $0.rule == "ADV009" })
    // Wilson 95% for 18 of 20: 69.9% to 97.2%.
    #expect(finding.evidence.contains("69.9%") && finding.evidence.contains("97.2%"), "\(finding.evidence)")
  }

  @Test func openInputsAreNamed() {
    var evidence = AdvisoryEvidence()
    evidence.openInputs = []
    #expect(DeploymentAdvisories.findings(evidence).isEmpty)
    let graph = Graph(
      name: "g",
      inputs: [
        ValueInfo(name: "ids", dataType: .int64, shape: Shape([.symbolic("batch"), .symbolic("sequence")])),
        ValueInfo(name: "image", dataType: .float32, shape: Shape([.symbolic("batch"), .known(3)])),
      ])
    evidence.openInputs = AdvisoryEvidence.openInputs(of: graph)
    let found = DeploymentAdvisories.findings(evidence)
    #expect(found.map(\.rule) == ["ADV010"])
    #expect(found.first?.evidence == "ids: batch x sequence")
  }
}
