// ScopeRuntime
