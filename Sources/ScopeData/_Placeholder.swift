// ScopeData
