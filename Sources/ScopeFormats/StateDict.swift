import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Named tensors as a training framework saves them (`state_dict`), in file order.
public struct StateDict: Sendable {
  /// Tensors by parameter name, wrapping keys (`state_dict`, `model` ...) and a common `module.` prefix removed.
  public var tensors: OrderedDictionary<String, Tensor>
  /// What was taken off every name (`module.`), empty when nothing was.
  public var removedPrefix: String
  /// The key path under which the tensors were found (`state_dict`), empty when they are at the top.
  public var wrapper: [String]
  /// Names that share the storage of an earlier name, mapped to that name (tied weights).
  public var sharedWith: [String: String]
  /// The class name of a whole-module pickle (`torchvision.models.resnet.ResNet`), if the file holds one.
  public var moduleClass: String?
  /// Names that the file itself marks as buffers (whole-module pickles, TorchScript); a plain state dict does not
  /// tell buffers from parameters, so this is empty there.
  public var buffers: Set<String>
  /// The modules of a program (TorchScript); nil where the file does not tell them.
  public var modules: ModuleTree?
  /// What else lies beside the tensors, each with a short description (`epoch = 12`, `optimizer (dict of 2)`).
  public var otherEntries: [String]
  /// Free-form metadata of the file (safetensors `__metadata__`).
  public var metadata: OrderedDictionary<String, String>

  public init(
    tensors: OrderedDictionary<String, Tensor>, removedPrefix: String = "", wrapper: [String] = [],
    sharedWith: [String: String] = [:], moduleClass: String? = nil, buffers: Set<String> = [],
    otherEntries: [String] = [], metadata: OrderedDictionary<String, String> = [:]
  ) {
    self.tensors = tensors
    self.removedPrefix = removedPrefix
    self.wrapper = wrapper
    self.sharedWith = sharedWith
    self.moduleClass = moduleClass
    self.buffers = buffers
    self.otherEntries = otherEntries
    self.metadata = metadata
  }
}
