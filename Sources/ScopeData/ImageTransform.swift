import ScopeBytes

extension Preprocessing {
  /// Where an image of a given size goes: its size after the resize and the window cut from it.
  struct Geometry {
    var width: Int
    var height: Int
    var window: CropWindow
  }

  /// torchvision's `Resize(int)` and `CenterCrop`: the long side is truncated, the crop offset is rounded half to
  /// even.
  ///
  /// - Throws: `limitExceeded` for an absurdly elongated image, `invalidData` when it is smaller than the crop.
  func geometry(width: Int, height: Int) throws(ScopeError) -> Geometry {
    var size = Size(height: height, width: width)
    if let resize {
      let short = min(width, height)
      let long = Int(Double(resize * max(width, height)) / Double(short))
      size = width <= height ? Size(height: long, width: resize) : Size(height: resize, width: long)
      guard long <= 1 << 16 else {
        throw ScopeError(
          .limitExceeded, "the image is too elongated to resize", found: "\(width) x \(height)")
      }
    }
    let crop = self.crop ?? size
    guard crop.height <= size.height, crop.width <= size.width else {
      throw ScopeError(
        .invalidData, "the image is smaller than the crop",
        expected: "at least \(crop.height) x \(crop.width)",
        found: "\(size.height) x \(size.width)", remedy: "Choose a resize")
    }
    func offset(_ outer: Int, _ inner: Int) -> Int {
      Int((Double(outer - inner) / 2).rounded(.toNearestOrEven))
    }
    return Geometry(
      width: size.width, height: size.height,
      window: CropWindow(
        left: offset(size.width, crop.width), top: offset(size.height, crop.height), width: crop.width,
        height: crop.height))
  }

  /// `image` resized and cropped, not normalised.
  ///
  /// - Returns: [3, H, W] in 0...255.
  /// - Throws: see ``geometry(width:height:)``.
  public func apply(to image: DecodedImage) throws(ScopeError) -> (pixels: [UInt8], size: Size) {
    let geometry = try geometry(width: image.width, height: image.height)
    let count = 3 * geometry.window.width * geometry.window.height
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress {
        Resampling.resize(
          image, width: geometry.width, height: geometry.height, window: geometry.window,
          interpolation: interpolation, into: base)
      }
      initialized = count
    }
    return (pixels, Size(height: geometry.window.height, width: geometry.window.width))
  }
}
