// ScopeSecurity
