/// Whether hardening was worth it, told from its figures.
enum HardeningNarrative {
  static func headline(_ found: Hardening) -> String {
    guard let after = found.after else { return "Not harder: no round was better than the original" }
    return
      "Accuracy under attack \(found.before.robust.text) → \(after.robust.text), clean \(found.before.clean.text) → "
      + "\(after.clean.text), at ε = \(found.epsilonText)"
  }

  static func lead(_ found: Hardening) -> [String] {
    var sentences = [
      "Trained on \(Format.plural(found.trainingImages, "image")), the round chosen on \(found.choosingImages) others, judged "
        + "on \(found.judgingImages) more by \(found.attack)."
    ]
    guard found.after != nil else {
      sentences.append(
        "The model written is the original. More images, more rounds or a larger --max-accuracy-drop may change that."
      )
      return sentences
    }
    if let change = found.robustChange {
      sentences.append(
        change.pValue < Thresholds.significance
          ? "The gain under attack is proven: \(change.gained) images are kept now that were lost before, \(change.lost) the "
            + "other way (exact McNemar \(chance(change)))."
          : "No gain under attack is proven: \(change.gained) images are kept now, \(change.lost) no longer (exact McNemar "
            + "\(chance(change)))."
      )
    }
    if let change = found.cleanChange {
      sentences.append(
        change.pValue < Thresholds.significance && change.lost > change.gained
          ? "It costs clean accuracy: \(change.lost) images lost, \(change.gained) gained (\(chance(change)))."
          : "No loss of clean accuracy is proven: \(change.lost) images lost, \(change.gained) gained (\(chance(change)))."
      )
    }
    return sentences
  }

  private static func chance(_ change: Hardening.Change) -> String {
    change.pValue < 0.001 ? "p < 0.001" : "p = \(Format.fixed(change.pValue, 3))"
  }

  static func defences(_ found: Hardening) -> String {
    let best = found.defences.max { $0.aware.value < $1.aware.value }
    let gain = (best?.aware.value ?? 0) - found.before.robust.value
    let cost = found.before.clean.value - (best?.clean.value ?? 0)
    return gain >= Thresholds.optimizedExtraLoss
      ? "\(best?.name ?? "A defence") keeps \(Format.points(gain)) more against an attacker who knows of it, and costs "
        + "\(Format.points(cost)) of clean accuracy."
      : "Against an attacker who knows of them these defences keep nothing worth having; what they keep against one who does "
        + "not is no protection."
  }
}
