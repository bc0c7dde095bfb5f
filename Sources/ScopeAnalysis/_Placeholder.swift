// ScopeAnalysis
