import ScopeBytes
import ScopeGraph

/// `Gelu` (opset 20), exact and tanh form.
///
/// Exact: Phi(x) + x phi(x). Tanh form, with u = sqrt(2/pi) (x + 0.044715 x^3) and t = tanh(u):
/// (1 + t) / 2 + x (1 - t^2) u' / 2.
enum GeluRule: GradientRule {
  static let operators = ["Gelu"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let x = application.node.inputs[0]
    func number(_ value: Float) -> String { context.scalar(value, like: x) }
    let square = context.multiply(x, x)
    let slope: String
    if application.node.string("approximate") == "tanh" {
      let root: Float = 0.797_884_6
      let inner = context.add(context.multiply(square, number(0.044715 * root)), number(root))
      let tanh = context.emit("Tanh", [context.multiply(x, inner)])
      let rise = context.add(context.multiply(square, number(3 * 0.044715 * root)), number(root))
      let bell = context.subtract(number(1), context.multiply(tanh, tanh))
      let tail = context.multiply(context.multiply(x, bell), rise)
      slope = context.multiply(context.add(context.add(tanh, number(1)), tail), number(0.5))
    } else {
      let erf = context.emit("Erf", [context.multiply(x, number(0.707_106_77))])
      let cumulative = context.multiply(context.add(erf, number(1)), number(0.5))
      let density = context.multiply(
        context.emit("Exp", [context.multiply(square, number(-0.5))]), number(0.398_942_3))
      slope = context.add(cumulative, context.multiply(x, density))
    }
    return application.first(context.multiply(application.gradient, slope))
  }
}
