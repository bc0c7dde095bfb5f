// ScopeFormats
