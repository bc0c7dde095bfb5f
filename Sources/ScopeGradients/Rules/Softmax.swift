import ScopeBytes
import ScopeGraph

/// `Softmax`: y (dY - sum(y dY)). `LogSoftmax`: dY - exp(y) sum(dY). Sums over the class axis.
enum SoftmaxRule: GradientRule {
  static let operators = ["Softmax", "LogSoftmax"]

  static func differentiate(_ application: Application, in context: GradientContext) throws(ScopeError)
    -> [String?]
  {
    let y = application.node.outputs[0]
    let axis = application.node.int("axis") ?? -1
    let gradient = application.gradient
    if application.node.opType == "Softmax" {
      let weighted = context.multiply(gradient, y)
      let total = context.sum(weighted, axes: [axis], keepDimensions: true)
      return application.first(context.subtract(weighted, context.multiply(y, total)))
    }
    let total = context.sum(gradient, axes: [axis], keepDimensions: true)
    return application.first(
      context.subtract(gradient, context.multiply(context.emit("Exp", [y]), total)))
  }
}
