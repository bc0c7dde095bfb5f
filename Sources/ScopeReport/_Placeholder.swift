// ScopeReport
