import ScopeAnalysis
import ScopeBytes
import ScopeGraph
import Testing

@Suite struct TensorStatisticsTests {
  @Test func momentsOfFiniteElements() throws {
    let found = try TensorStatistics(.floats([1, 2, 3, 4, .nan, .infinity, 0, -2], [8]))
    #expect(found.minimum == -2)
    #expect(found.maximum == 4)
    #expect(abs((found.mean ?? 0) - 8.0 / 6) < 1e-12)
    // Of [1, 2, 3, 4, 0, -2]: mean of squares 34/6 less the squared mean.
    #expect(abs((found.standardDeviation ?? 0) - (34.0 / 6 - 64.0 / 36).squareRoot()) < 1e-12)
    #expect(found.zeroFraction == 0.125)
    #expect(found.nanCount == 1)
    #expect(found.infinityCount == 1)
    #expect(found.deadChannels == nil, "a vector has no channels")
  }

  @Test func deadChannelsAreAllZero() throws {
    let found = try TensorStatistics(.floats([0, 0, 0, 1, 0, -0.0], [3, 2]))
    #expect(found.deadChannels == 2)
    #expect(found.zeroCount == 5)
  }

  @Test func aNotANumberIsAlive() throws {
    #expect(try TensorStatistics(.floats([.nan, 0, 0, 0], [2, 2])).deadChannels == 1)
  }

  /// More elements than one block holds; the numbers 0, 1, ..., n - 1 have known moments.
  @Test func blocksAreJoined() throws {
    let count = 3 * (1 << 18) + 5
    let found = try TensorStatistics(.floats((0..<count).map { Float($0) }, [count, 1]))
    let n = Double(count)
    #expect(found.maximum == n - 1)
    #expect(abs((found.mean ?? 0) - (n - 1) / 2) < 1e-6 * n)
    #expect(abs((found.standardDeviation ?? 0) - ((n * n - 1) / 12).squareRoot()) < 1e-6 * n)
    #expect(found.deadChannels == 1, "the row that holds 0")
  }

  @Test func nibblesAndHalves() throws {
    let nibbles = try Tensor(dataType: .int4, dimensions: [3], storage: .packed(ByteSlice([0x8F, 0x07])))
    let found = try TensorStatistics(nibbles)
    #expect([found.minimum, found.maximum] == [-8, 7])
    let halves = try Tensor(
      dataType: .float16, dimensions: [2], storage: .packed(ByteSlice([0x00, 0x3C, 0x00, 0xC0])))
    #expect(try TensorStatistics(halves).mean == -0.5)
  }

  @Test func nothingIsSaidOfNothing() throws {
    let found = try TensorStatistics(.floats([], [0, 3]))
    #expect(found.minimum == nil)
    #expect(found.zeroFraction == nil)
    #expect(found.deadChannels == nil)
  }
}
