import ScopeBytes
import ScopeFormats

extension FileScan {
  /// Scans an HDF5 file: a Keras model, its weights alone, or data. Every group, dataset and link is visited; no
  /// dataset's numbers are read.
  ///
  /// - Returns: the format's name.
  mutating func scanHDF5(_ bytes: ByteSlice, member: String?) -> String {
    let file: HDF5File
    do throws(ScopeError) {
      file = try HDF5File(bytes, goesOn: true)
    } catch {
      leaveOut(error, member: member)
      scanTrailingArchive(bytes, member: member, isOrdinary: false)
      return "hdf5"
    }
    for problem in file.problems.prefix(8) { leaveOut(problem, member: member) }
    var subject = KerasSubject(member: member)
    for link in file.links {
      guard let target = link.file else { continue }
      subject.external.append(
        (link.path, "external link to \"\(Self.shown(link.target))\" of the file \"\(Self.shown(target))\""))
    }
    for dataset in file.datasets where dataset.isExternal {
      let others = dataset.externalFiles.filter { $0 != "." }
      guard !others.isEmpty || dataset.externalFiles.isEmpty else { continue }
      let names =
        others.isEmpty
        ? "other files" : others.prefix(3).map { "\"\(Self.shown($0))\"" }.joined(separator: ", ")
      subject.external.append((dataset.path, "the dataset's numbers lie in \(names)"))
    }
    var isKeras = false
    for (path, attributes) in file.groups {
      for (name, value) in attributes {
        let place = path.isEmpty ? name : "\(path)@\(name)"
        isKeras = scanAttribute(value, name: name, place: place, member: member, &subject) || isKeras
      }
    }
    for (path, attributes) in file.datasetAttributes {
      for (name, value) in attributes {
        isKeras =
          scanAttribute(value, name: name, place: "\(path)@\(name)", member: member, &subject) || isKeras
      }
    }
    apply(subject)
    scanTrailingArchive(bytes, member: member, isOrdinary: false)
    return isKeras ? "keras-h5" : "hdf5"
  }

  private static func shown(_ text: String) -> String { PickleAnalysis.printable(String(text.prefix(160))) }

  /// - Returns: whether the attribute is a model's configuration.
  private mutating func scanAttribute(
    _ value: HDF5Attribute, name: String, place: String, member: String?, _ subject: inout KerasSubject
  ) -> Bool {
    let isConfiguration = ["model_config", "training_config", "keras_config"].contains(name)
    guard case .texts(let texts) = value else {
      if isConfiguration {
        leaveOut(
          ScopeError(.unsupported, "the attribute \(name) is no text that can be read", place: place),
          member: member)
      }
      return isConfiguration
    }
    var found = false
    for text in texts where isConfiguration || text.contains("class_name") {
      found = true
      do throws(ScopeError) {
        let bytes = ByteSlice(Array(text.utf8))
        let (root, _) = try JSONScanner.parse(bytes, depthLimit: 200, allowsInfinity: true)
        subject.read(root, place: place)
      } catch {
        leaveOut(error.at(place), member: member)
      }
    }
    return found && isConfiguration
  }
}
