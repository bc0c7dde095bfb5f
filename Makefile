# make demo    set up, build, and report on a real pre-trained ImageNet model
# make test    set up, build, and run all tests
# make build   the command-line tool, .build/release/neural-scope

# One set of flags for everything, so that tool and tests share one build: optimised (tensors in debug builds are
# hundreds of times slower), and with the Swift runtime linked in, which starts faster and runs without Swift.
SWIFT_FLAGS := -c release --static-swift-stdlib
TOOL := .build/release/neural-scope
MODEL := demo/efficientnet-lite0-57934424.pth

.PHONY: demo test build bootstrap format lint clean

demo:
	scripts/bootstrap --demo
	swift build $(SWIFT_FLAGS) --product neural-scope
	$(TOOL) report $(MODEL) --data demo/images --out neural-scope-report

test: bootstrap
	swift build $(SWIFT_FLAGS) --build-tests
	swift test $(SWIFT_FLAGS) --skip-build

build: bootstrap
	swift build $(SWIFT_FLAGS) --product neural-scope

bootstrap:
	scripts/bootstrap

format:
	swift format --in-place --recursive --parallel --configuration .swift-format Package.swift Sources Tests

lint:
	swift format lint --strict --recursive --parallel --configuration .swift-format Package.swift Sources Tests

clean:
	rm -rf .build
