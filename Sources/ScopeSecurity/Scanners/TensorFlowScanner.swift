import ScopeBytes

extension FileScan {
  /// Scans a SavedModel, MetaGraph, frozen graph or the metadata of Keras layers beside it.
  ///
  /// - Returns: the format's name.
  mutating func scanTensorFlow(_ bytes: ByteSlice, _ kind: TensorFlowKind, member: String?) -> String {
    apply(TensorFlowSubject(bytes, kind: kind, member: member))
    return kind.rawValue
  }

  /// Scans a graph in protobuf's text form.
  mutating func scanTextGraph(_ text: ByteSlice, member: String?) {
    do throws(ScopeError) {
      apply(TensorFlowSubject(try TextProto.parse(text), member: member))
    } catch {
      leaveOut(error, member: member)
    }
  }

  private mutating func apply(_ subject: TensorFlowSubject) {
    for rule in SecurityRules.tensorFlow { add(rule.findings(in: subject)) }
    if let problem = subject.problem { leaveOut(problem, member: subject.member) }
    for (place, text) in subject.metadata {
      let named = subject.member.map { "\($0): \(place)" } ?? place
      do throws(ScopeError) {
        let (root, _) = try JSONScanner.parse(
          ByteSlice(Array(text.utf8)), depthLimit: 200, allowsInfinity: true)
        var model = KerasSubject(member: named)
        model.read(root)
        apply(model)
      } catch {
        // Metadata of other objects need not be JSON.
        if text.contains("class_name") || text.hasPrefix("{") {
          leaveOut(error.at(place), member: subject.member)
        }
      }
    }
  }
}
