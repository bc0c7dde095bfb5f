import ScopeBytes

/// One element of DER (X.690): tag, contents and the whole encoding.
struct DERElement {
  let tag: UInt8
  let content: ByteSlice
  let encoded: ByteSlice

  /// Reads the element at `position`.
  ///
  /// - Throws: `malformed`, `truncated`: indefinite, over-long and oversized lengths and long tags are refused.
  init(_ bytes: ByteSlice, at position: Int = 0) throws(ScopeError) {
    var reader = ByteReader(bytes, at: position)
    tag = try reader.byte(what: "DER tag")
    guard tag & 0x1F != 0x1F else { throw ScopeError(.malformed, "a DER tag is too long") }
    var length = Int(try reader.byte(what: "DER length"))
    if length >= 0x80 {
      let digits = length & 0x7F
      guard (1...4).contains(digits) else { throw ScopeError(.malformed, "a DER length is not definite") }
      length = 0
      for _ in 0..<digits { length = length << 8 | Int(try reader.byte(what: "DER length")) }
      guard length >= 0x80 else { throw ScopeError(.malformed, "a DER length is longer than needed") }
    }
    let start = reader.position
    content = try bytes.slice(at: start, count: length, what: "DER contents")
    encoded = try bytes.slice(at: position, count: start - position + length)
  }

  /// The elements inside a constructed one.
  func children(_ tag: UInt8? = nil) throws(ScopeError) -> [DERElement] {
    if let tag, self.tag != tag {
      throw ScopeError(.malformed, "an element of DER is of another kind", place: "byte \(encoded.offset)")
    }
    var children: [DERElement] = []
    var position = 0
    while position < content.count {
      let child = try DERElement(content, at: position)
      position += child.encoded.count
      children.append(child)
      guard children.count <= 10_000 else { throw ScopeError(.limitExceeded, "a DER sequence is too long") }
    }
    return children
  }

  /// The bytes of a BIT STRING without unused bits.
  var bits: [UInt8]? { tag == 3 && content.count > 1 && content[0] == 0 ? content.dropFirst(1).array : nil }

  /// Seconds since 1970 of a UTCTime or GeneralizedTime that ends in Z.
  var time: Int? {
    let digits = content.array
    guard tag == 0x17 && digits.count == 13 || tag == 0x18 && digits.count == 15, digits.last == 0x5A,
      digits.dropLast().allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    let number = { (start: Int, count: Int) in
      digits[start..<start + count].reduce(0) { $0 * 10 + Int($1) - 0x30 }
    }
    let years = tag == 0x17 ? 2 : 4
    var year = number(0, years)
    if years == 2 { year += year < 50 ? 2000 : 1900 }
    return Self.seconds(
      year: year, month: number(years, 2), day: number(years + 2, 2), hour: number(years + 4, 2),
      minute: number(years + 6, 2), second: number(years + 8, 2))
  }

  /// Seconds since 1970 of a date of the proleptic Gregorian calendar; nil when it is none.
  static func seconds(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) -> Int? {
    guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60,
      year < 10_000
    else { return nil }
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    return days * 86_400 + hour * 3600 + minute * 60 + second
  }
}
