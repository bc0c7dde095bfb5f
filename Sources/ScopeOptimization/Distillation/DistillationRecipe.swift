/// How a student is fine-tuned to give what its teacher gives.
public struct DistillationRecipe: Sendable, Hashable {
  /// What is made small between the logits of student and teacher.
  public enum Loss: Sendable, Hashable {
    /// T^2 times the Kullback-Leibler divergence of the softened class scores (Hinton et al. 2015, arXiv:1503.02531).
    case divergence(temperature: Float)
    /// Mean squared difference of the outputs; takes any output, not only class scores.
    case squaredError
  }

  /// The rule that turns gradients into steps.
  public enum Method: Sendable, Hashable {
    /// b = momentum * b + gradient; weights -= rate * b.
    case momentum(Float)
    /// Kingma & Ba 2015, arXiv:1412.6980.
    case adam(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8)
  }

  public var loss = Loss.divergence(temperature: 4)
  public var method = Method.adam()
  /// Largest learning rate; it rises to this over the first twentieth of the steps and falls to 0 along a cosine
  /// (Loshchilov & Hutter 2017, arXiv:1608.03983).
  public var learningRate: Float = 2e-4
  /// Samples per step; less where memory or data do not allow it.
  public var batchSize = 32
  /// Passes over the training part of the samples; fewer where the time does not allow it.
  public var epochs = 20
  /// Share of the samples that judge instead of train.
  public var heldOut = 0.15
  /// Wall-clock limit of the whole fine-tuning; the context's deadline counts, too.
  public var timeBudget: Duration?
  /// Bytes that the values of a training step may take, by estimate.
  public var memoryBudgetBytes = 1 << 30
  /// Each image mirrored left to right with probability 1/2, where a teacher model can look at it, too. Not for images
  /// whose meaning changes, such as text.
  public var flips = true
  /// Each image moved by up to this many pixels each way, its border repeated, where a teacher model can look at it, too.
  public var shift = 0
  /// Share of the images of a step that are mixed with another image of it, with a uniform ratio, where a teacher model
  /// can look at the mixture, too ("function matching" of Beyer et al. 2022, arXiv:2106.05237).
  public var mixing: Float = 0.5
  /// Inner values, by their name in student and teacher, whose mean squared difference is added to the loss, each
  /// relative to the teacher's mean square. Nil takes up to nine that both share (where residual branches join), if the
  /// teacher is a model; an empty list trains on the outputs alone.
  public var features: [String]?
  /// Factor of each feature's relative squared difference.
  public var featureWeight: Float = 10
  /// Weights (not biases) that are exactly zero stay zero, so that a sparse student stays sparse.
  public var keepsZeros = false
  /// Initializers to train; nil takes what ``TrainableParameters`` finds.
  public var parameters: [String]?

  public init() {}
}
