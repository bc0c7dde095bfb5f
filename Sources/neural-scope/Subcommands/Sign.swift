import ArgumentParser
import ScopeBytes
import ScopeSecurity

struct Sign: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Signs a model file or folder as OpenSSF Model Signing does.",
    discussion: """
      Writes model.sig into a folder, FILE.sig beside a file. Make a key pair with: openssl ecparam -name prime256v1 \
      -genkey -noout -out key.pem; openssl ec -in key.pem -pubout -out key.pub. Check with: neural-scope security MODEL \
      --public-key key.pub --require-signature.
      """)

  @Argument(help: "A model file, or a folder whose files are signed together.")
  var model: String

  @Option(help: ArgumentHelp("The private key, PEM (ECDSA P-256, P-384 or P-521).", valueName: "file"))
  var privateKey: String

  @Option(help: ArgumentHelp("Where to write the signature.", valueName: "file"))
  var out: String?

  func run() throws {
    let key = try SignatureFlags.text(privateKey, "the private key")
    let (path, files) = try ModelSignature.sign(path: model, privateKey: key, signature: out)
    Terminal.write(Terminal.printable("Signed \(files) \(files == 1 ? "file" : "files"): \(path)") + "\n")
  }
}
