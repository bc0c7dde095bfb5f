/// The softmax family. Cost: 5 operations per element (maximum, difference, exponential, sum, division).
enum SoftmaxOperators {
  static let definitions: [OperatorDefinition] = ["Softmax", "LogSoftmax", "Hardmax"].map {
    OperatorDefinition(
      $0, memory: .inPlace, infer: OperatorDefinition.sameAlongAxis,
      cost: OperatorDefinition.perOutputElement(5, .softmax))
  }
}
