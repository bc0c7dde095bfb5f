import Foundation
import ScopeBytes
import ScopePolicy
import TestSupport
import Testing

@Suite struct BudgetTests {
  private func policy(_ text: String) throws(ScopeError) -> Policy {
    try Policy(text, path: "p.yml", rules: ["PKL001"])
  }

  @Test func limitsAreReadInTheirUnits() throws {
    let policy = try policy(
      """
      version: 1
      security:
        level: warn
        signature: error
      budgets:
        size:
          max: 12 MB
          max-increase: 5%
        peak-memory: {max: 8 MiB}
        macs:
          max: 4.5 M
          level: warn
        latency-p50:
          max: 1.5 s
        throughput:
          min: 40/s
        accuracy:
          min: 80%
          max-decrease: 0.5 points
        robust-accuracy:
          min: 0.25
          epsilon: 2/255
        robustness-score:
          min: 40
          max-decrease: 5
        calibration-error: off
      """)
    #expect(policy.security.level == .warn && policy.security.signature == .error)
    let budgets = Dictionary(uniqueKeysWithValues: policy.budgets.map { ($0.metric, $0) })
    #expect(budgets[.size]?.absolute == 12e6 && budgets[.size]?.relative == 0.05)
    #expect(budgets[.peakMemory]?.absolute == 8_388_608)
    #expect(budgets[.macs]?.absolute == 4.5e6 && budgets[.macs]?.level == .warn)
    #expect(budgets[.latencyP50]?.absolute == 1500)
    #expect(budgets[.throughput]?.absolute == 40 && budgets[.throughput]?.level == .error)
    #expect(budgets[.accuracy]?.absolute == 0.8 && budgets[.accuracy]?.relative == 0.005)
    #expect(budgets[.robustAccuracy]?.absolute == 0.25 && budgets[.robustAccuracy]?.epsilon == "2/255")
    #expect(budgets[.robustnessScore]?.relative == 5)
    #expect(budgets[.calibrationError]?.level == .off)
  }

  @Test(arguments: [
    ("budgets:\n  sise:\n    max: 1 MB", "line 2, column 3", "sise"),
    ("budgets:\n  size:\n    max_increase: 5%", "line 3, column 5", "max-increase"),
    ("budgets:\n  size:\n    min: 1 MB", "line 3, column 5", "min"),
    ("budgets:\n  size:\n    max: 12 parsecs", "line 3, column 10", "12 parsecs"),
    ("budgets:\n  size:\n    max: 1,5 MB", "line 3, column 10", "1,5 MB"),
    ("budgets:\n  size:\n    max: -3 MB", "line 3, column 10", "-3 MB"),
    ("budgets:\n  size:\n    max: nan", "line 3, column 10", "nan"),
    ("budgets:\n  accuracy:\n    min: 120%", "line 3, column 10", "120%"),
    ("budgets:\n  accuracy:\n    max-decrease: 5%", "line 3, column 19", "points"),
    ("budgets:\n  size:\n    max: 1 MB\n    level: fatal", "line 4, column 12", "fatal"),
    ("budgets:\n  size:\n    level: error", "line 3, column 5", "no limit"),
    ("budgets:\n  robust-accuracy:\n    min: 0.2\n    epsilon: big", "line 4, column 14", "big"),
    ("budgets:\n  - size", "line 2, column 3", "mapping"),
    ("security:\n  signature: maybe", "line 2, column 14", "maybe"),
    ("gates: 1", "line 1, column 1", "gates"),
  ])
  func mistakesAreNamedWithTheirPlace(_ text: String, _ place: String, _ word: String) throws {
    let error = #expect(throws: ScopeError.self) { try policy(text) }
    let said = error?.description ?? ""
    #expect(said.contains(place) && said.contains(word) && said.contains("p.yml"), "\(said)")
  }

  /// Every key of the parser is in the published schema, and every key of the schema is known to the parser.
  @Test func theSchemaHasTheKeysOfTheParser() throws {
    let url = SharedData.repository.appending(path: "schema/neural-scope-policy.schema.json")
    func properties(_ value: Any?) -> [String: Any] {
      (value as? [String: Any])?["properties"] as? [String: Any] ?? [:]
    }
    let schema = properties(try JSONSerialization.jsonObject(with: Data(contentsOf: url)))
    #expect(Set(schema.keys) == Set(Policy.keys))
    let security = properties(schema["security"])
    #expect(Set(security.keys) == Set(SecurityPolicy.keys))
    let entry = (security["suppressions"] as? [String: Any])?["items"]
    #expect(Set(properties(entry).keys) == Set(SecurityPolicy.suppressionKeys))
    let budgets = properties(schema["budgets"])
    #expect(Set(budgets.keys) == Set(Budget.Metric.allCases.map(\.rawValue)))
    for metric in Budget.Metric.allCases {
      let forms = (budgets[metric.rawValue] as? [String: Any])?["oneOf"] as? [[String: Any]] ?? []
      let keys = forms.flatMap { properties($0).keys }
      #expect(Set(keys) == Set(metric.keys), "\(metric)")
    }
  }

  /// A Python with jsonschema; nil skips the test.
  private static let python: String? = {
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map {
      "\($0)/python3"
    }
    let named = ProcessInfo.processInfo.environment["NEURAL_SCOPE_PYTHON"].map { [$0] } ?? []
    return (named + paths).first {
      FileManager.default.isExecutableFile(atPath: $0) && run($0, ["-c", "import jsonschema"], nil) == 0
    }
  }()

  private static func run(_ python: String, _ arguments: [String], _ input: String?) -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = arguments
    process.standardInput = input.flatMap { FileHandle(forReadingAtPath: $0) } ?? FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }

  @Test(.enabled(if: python != nil, "needs a Python with jsonschema (NEURAL_SCOPE_PYTHON)"))
  func theSchemaAcceptsWhatItShould() throws {
    let schema = SharedData.repository.appending(path: "schema/neural-scope-policy.schema.json").path()
    let script = Fixture.path("check_policy.py")
    let code = Self.run(try #require(Self.python), [script, schema], Fixture.path("gate/policies.json"))
    #expect(code == 0)
  }

  @Test func cutAndDamagedPoliciesGiveErrorsNotTraps() {
    let text =
      "budgets:\n  size:\n    max: 12 MB\n    max-increase: 5%\n  accuracy: {min: 80%, level: warn}\n"
    for end in 0...text.count { _ = try? policy(String(text.prefix(end))) }
    for bad in ["1e400 MB", "99999999999999999999999999 GB", "....", "1_000_000 B", "/", "%"] {
      _ = try? policy("budgets:\n  size:\n    max: \(bad)")
    }
  }
}
