extension Report {
  /// The report with everything derived from its figures: interpretations, assessments, recommendations, conclusion.
  ///
  /// Pure and idempotent; renderers call it themselves.
  public func narrated() -> Report {
    var result = self
    if var analysis = result.analysis {
      AnalysisNarrative.interpret(&analysis, in: self)
      result.analysis = analysis
      result.notMeasured += Report.unaskedParts(self)
    }
    if var optimization = result.optimization {
      OptimizationNarrative.interpret(&optimization)
      result.optimization = optimization
    }
    if var robustness = result.robustness {
      RobustnessNarrative.interpret(&robustness, in: self)
      result.robustness = robustness
    }
    result.security?.findings.sort { ($1.severity, $0.rule) < ($0.severity, $1.rule) }
    result.security?.recommendations = SecurityNarrative.recommendations(self)
    result.assessments = Assessments.make(self)
    result.recommendations = Recommendations.make(self)
    result.conclusion = Verdict.make(self)
    return result
  }
}
