import OrderedCollections
import ScopeGraph

/// Logical sizes of weights that a quantizer packed into integers.
///
/// A packed tensor's elements are words; the layer's parameters are 32 / bits per 32-bit word (GPTQ, AWQ,
/// compressed-tensors) or two per byte (bitsandbytes 4-bit, MXFP4).
public enum PackedWeights {
  /// Parameters that the tensor stores; nil when it is none (scales, zero points, group indices).
  public static func elements(
    _ name: String, _ tensor: Tensor, in tensors: OrderedDictionary<String, Tensor>, bits: Int? = nil
  ) -> Int? {
    let last = name.split(separator: ".").last.map(String.init) ?? name
    let stem = String(name.dropLast(last.count))
    switch last {
    case "qweight" where tensor.dataType == .int32:
      // The scales' columns give the layer's width, the group indices its depth, whatever the number of bits.
      return scaled(tensor, bits ?? 4)
    case "weight_packed" where tensor.dataType == .int32: return scaled(tensor, bits ?? 4)
    case "qzeros", "scales", "g_idx", "SCB", "weight_scale", "weight_scale_inv", "weight_shape",
      "weight_zero_point",
      "input_scale", "absmax", "quant_map", "nested_absmax", "nested_quant_map", "weight_format",
      "weight_g_idx":
      return isCompanion(stem, tensors) ? nil : plain(name, tensor)
    case "weight" where tensor.dataType == .uint8 && tensors[name + ".absmax"] != nil:
      return tensor.elementCount.multipliedReportingOverflow(by: 2).partialValue
    case "weight" where tensor.dataType == .int8 && tensors[stem + "SCB"] != nil: return tensor.elementCount
    case let last where last.hasSuffix("_blocks") && tensor.dataType == .uint8:
      return tensors[stem + last.dropLast(6) + "scales"] == nil ? nil : tensor.elementCount * 2
    case let last where last.hasSuffix("_scales") && tensors[stem + last.dropLast(6) + "blocks"] != nil:
      return nil
    default: return name.contains(".quant_state.") ? nil : plain(name, tensor)
    }
  }

  private static func plain(_ name: String, _ tensor: Tensor) -> Int? {
    tensor.dataType.isFloatingPoint ? tensor.elementCount : nil
  }

  private static func scaled(_ tensor: Tensor, _ bits: Int) -> Int {
    guard (1...32).contains(bits) else { return tensor.elementCount }
    return tensor.elementCount * 32 / bits
  }

  /// Whether a packed or scaled weight lies beside the tensors of this module.
  private static func isCompanion(_ stem: String, _ tensors: OrderedDictionary<String, Tensor>) -> Bool {
    ["qweight", "weight_packed", "weight"].contains { tensors[stem + $0] != nil }
      || stem.hasSuffix(".weight.")
  }
}
