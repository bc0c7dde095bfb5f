// ScopeRobustness
