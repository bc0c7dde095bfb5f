/// Lends an array of C strings.
func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
  let copies = unsafe strings.map { string in
    let utf8 = string.utf8CString
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count)
    for (index, byte) in utf8.enumerated() { unsafe buffer[index] = byte }
    return unsafe buffer
  }
  defer {
    for index in unsafe copies.indices { unsafe copies[index].deallocate() }
  }
  let pointers = unsafe copies.map { unsafe Optional(UnsafePointer($0)) } + [nil]
  return unsafe pointers.withUnsafeBufferPointer { buffer in unsafe body(buffer.baseAddress!) }
}
