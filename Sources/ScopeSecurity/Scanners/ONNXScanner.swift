import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Scans an ONNX model: external data, operators, shapes; then whether a strict reader accepts it.
  mutating func scanONNX(_ bytes: ByteSlice, member: String?) {
    var subject = ONNXSubject(bytes, directory: member == nil ? directory : nil)
    if let limit = subject.limit { leaveOut(ScopeError(.limitExceeded, limit), member: member) }
    do throws(ScopeError) {
      subject.model = try ONNXReader.read(bytes, directory: nil)
    } catch {
      leaveOut(error, member: member)
    }
    for rule in SecurityRules.onnx { add(rule.findings(in: subject)) }
  }
}
