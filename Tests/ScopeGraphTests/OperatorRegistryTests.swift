import Foundation
import ScopeBytes
import ScopeGraph
import TestSupport
import Testing

struct OperatorRegistryTests {
  @Test func namesAreUnique() {
    let keys = OperatorRegistry.all.map { "\($0.domain)::\($0.name)" }
    #expect(
      Set(keys).count == keys.count, "\(Dictionary(grouping: keys) { $0 }.filter { $1.count > 1 }.keys)")
    #expect(keys.count > 350)
  }

  /// Every operator that onnx and ONNX Runtime register (`Tests/Fixtures/make_operator_names.py`).
  @Test func noOperatorIsForgotten() throws {
    let url = URL(filePath: Fixture.path("graph/operator_names.json"))
    let names = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: url))
    #expect(names["", default: []].count > 200)
    #expect(names["com.microsoft", default: []].count > 130)
    var missing: [String] = []
    for (domain, operators) in names {
      for name in operators
      where OperatorRegistry.definition(name, domain: domain) == nil
        && !(domain.isEmpty && OperatorRegistry.controlFlow.contains(name))
      {
        missing.append("\(domain)::\(name)")
      }
    }
    #expect(missing.isEmpty, "\(missing.sorted())")
  }
}
