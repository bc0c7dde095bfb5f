/// TensorFlow operators that reach files or the network, with the inputs that name what they reach (the operator
/// definitions of TensorFlow 2.21).
struct FileOperator {
  enum Use {
    case reads, writes
    /// Saves or restores variables: every SavedModel does.
    case checkpoint
    /// Fills a lookup table from a vocabulary: an asset as a rule.
    case vocabulary
    case connects
  }

  var use: Use
  var inputs: [Int]

  static let all: [String: FileOperator] = {
    var result: [String: FileOperator] = [:]
    for (use, inputs, names) in table {
      for name in names { result[name] = FileOperator(use: use, inputs: inputs) }
    }
    return result
  }()

  private static let table: [(Use, [Int], [String])] = [
    (
      .reads, [0],
      [
        "ReadFile", "MatchingFiles", "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2",
        "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "CSVDataset", "CSVDatasetV2",
        "ExperimentalCSVDataset", "LMDBDataset", "ExperimentalLMDBDataset", "MatchingFilesDataset",
        "ExperimentalMatchingFilesDataset", "LoadDataset", "LoadAndRemapMatrix", "ListSnapshotChunksDataset",
        "SnapshotDatasetReader", "SnapshotNestedDatasetReader",
      ]
    ),
    (.reads, [0, 1], ["GenerateVocabRemapping"]),
    (.reads, [1], ["ReaderReadUpToV2", "SqlDataset", "ExperimentalSqlDataset"]),
    (
      .writes, [0],
      ["WriteFile", "SaveDatasetV0", "WriteRawProtoSummary", "BigtableTableWrite"]
    ),
    (
      .writes, [1],
      [
        "CreateSummaryFileWriter", "CreateSummaryDbWriter", "DatasetToTFRecord",
        "ExperimentalDatasetToTFRecord",
        "SaveDataset", "SaveDatasetV2", "CacheDataset", "CacheDatasetV2", "SnapshotDataset",
        "SnapshotDatasetV2",
        "DistributedSave",
      ]
    ),
    (
      .checkpoint, [0],
      [
        "Save", "SaveSlices", "SaveV2", "Restore", "RestoreSlice", "RestoreV2", "ShardedFilename",
        "ShardedFilespec",
      ]
    ),
    (.checkpoint, [0, 1], ["MergeV2Checkpoints"]),
    (.vocabulary, [1], ["InitializeTableFromTextFile", "InitializeTableFromTextFileV2"]),
    (.vocabulary, [0], ["InitializeTableFromDataset"]),
    (
      .connects, [],
      [
        "RpcClient", "RpcCall", "RpcServer", "RpcServerStart", "RpcServerRegister", "RPC", "TryRpc",
        "FileSystemSetConfiguration", "GcsConfigureCredentials", "GcsConfigureBlockCache", "BigQueryReader",
        "IO>BigQueryClient", "IO>KafkaDataset",
      ]
    ),
  ]

  /// Operators that call back into Python.
  static let python: Set<String> = [
    "PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction", "XlaPyFunc", "PyFuncV2", "PythonOp",
    "PyCall",
  ]
}
