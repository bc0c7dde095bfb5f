// ScopeOptimization
