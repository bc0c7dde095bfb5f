# make demo    set up, build, and report on a real pre-trained ImageNet model
# make test    set up, build, and run all tests
# make build   the command-line tool, .build/release/neural-scope

# Always optimised: tensors in debug builds are hundreds of times slower. The tool has the Swift runtime linked in,
# so it starts faster and runs where Swift is not installed. The tests cannot (Swift Testing exists only as a shared
# library): going from one to the other compiles the Swift targets again, the C and C++ ones are kept.
BUILD_FLAGS := -c release --static-swift-stdlib
TEST_FLAGS := -c release
TOOL := .build/release/neural-scope
MODEL := demo/efficientnet-lite0-57934424.pth

.PHONY: demo test build bootstrap format lint clean

demo:
	scripts/bootstrap --demo
<<<<<<< HEAD
	swift build $(SWIFT_FLAGS) --product neural-scope
	$(TOOL) report $(MODEL) --data demo/images --out neural-scope-report
=======
	swift build $(BUILD_FLAGS) --product neural-scope
	$(TOOL) report $(MODEL) --data .demo/images --out neural-scope-report
>>>>>>> data

test: bootstrap
	swift build $(TEST_FLAGS) --build-tests
	swift test $(TEST_FLAGS) --skip-build

build: bootstrap
	swift build $(BUILD_FLAGS) --product neural-scope

bootstrap:
	scripts/bootstrap

format:
	swift format --in-place --recursive --parallel --configuration .swift-format Package.swift Sources Tests

lint:
	swift format lint --strict --recursive --parallel --configuration .swift-format Package.swift Sources Tests

clean:
	rm -rf .build
