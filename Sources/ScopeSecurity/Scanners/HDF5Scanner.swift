import ScopeBytes

extension FileScan {
  /// Scans an HDF5 file (Keras h5).
  ///
  /// - Returns: the format's name.
  mutating func scanHDF5(_ bytes: ByteSlice, member: String?) -> String {
    leaveOut(format: "HDF5 (Keras h5)", member: member)
    return "hdf5"
  }
}
