// ScopeArchitectures
