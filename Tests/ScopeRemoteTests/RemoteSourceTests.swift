import ScopeBytes
import ScopeRemote
import Testing

@Suite struct RemoteSourceTests {
  @Test func addressesAreTakenApart() throws {
    let address = try RemoteAddress("https://Host.example:8443/a/b.pt?sig=1#part")
    #expect(
      address.scheme == "https" && address.authority == "host.example:8443" && address.host == "host.example")
    #expect(address.target == "/a/b.pt?sig=1" && address.fileName == "b.pt")
    #expect(address.shown == "https://host.example:8443/a/b.pt")
    #expect(try RemoteAddress("http://[::1]:80/x").isLoopback)
    #expect(try RemoteAddress("https://h/..").fileName == "download")
  }

  @Test(arguments: [
    "ftp://h/a", "file:///etc/passwd", "http://example.com/a", "https://", "https://u@h/a", "https://h/a b",
    "https://h\\@evil/a", "http://localhost.evil.com/a",
  ])
  func otherAddressesAreRefused(_ text: String) {
    #expect(throws: ScopeError.self) { try RemoteAddress(text) }
  }

  @Test func redirectsNeverLoseEncryption() throws {
    let address = try RemoteAddress("https://h/a/b?c")
    #expect(try address.resolving("/x").description == "https://h/x")
    #expect(try address.resolving("d").description == "https://h/a/d")
    #expect(try address.resolving("//other/x").description == "https://other/x")
    for target in ["http://h/x", "http://127.0.0.1/x", "file:///x", "gopher://h/"] {
      #expect(throws: ScopeError.self) { try address.resolving(target) }
    }
    #expect(try !address.isSameOrigin(as: RemoteAddress("https://h:444/a")))
  }

  @Test func repositoriesAreNamed() throws {
    guard
      case .repository(let repository, let file)? = try RemoteSource.parse("hf:owner/na.me@v1.0/dir/model.pt")
    else {
      Issue.record("no repository")
      return
    }
    #expect(repository.description == "hf:owner/na.me@v1.0" && file == "dir/model.pt")
    #expect(try RemoteSource.parse("models/hf.pt") == nil)
    for text in ["hf:", "hf:a", "hf:a/", "hf:a/b@", "hf:a/b@x y", "hf:a/b/../c", "hf:a/b//c", "hf:a/b\u{0}"] {
      #expect(throws: ScopeError.self) { try RemoteSource.parse(text) }
    }
  }
}
