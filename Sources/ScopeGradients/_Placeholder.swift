// ScopeGradients
