# make demo    set up, build, and report on a real pre-trained ImageNet model
# make test    set up, build, and run all tests
# make build   the command-line tool, .build/release/neural-scope

# Always optimised: tensors in debug builds are hundreds of times slower. One set of flags, so that the tool and the
# tests share one build; the tool links the Swift runtime statically (see Package.swift), the tests cannot.
FLAGS := -c release
TOOL := .build/release/neural-scope
MODEL := demo/efficientnet-lite0-57934424.pth

.PHONY: demo test build bootstrap format lint clean

demo:
	scripts/bootstrap --demo
	swift build $(FLAGS) --product neural-scope
	$(TOOL) report $(MODEL) --data demo/images --out neural-scope-report

test: bootstrap
	swift build $(FLAGS) --build-tests
	swift test $(FLAGS) --skip-build

build: bootstrap
	swift build $(FLAGS) --product neural-scope

bootstrap:
	scripts/bootstrap

format:
	swift format --in-place --recursive --parallel --configuration .swift-format Package.swift Sources Tests

lint:
	swift format lint --strict --recursive --parallel --configuration .swift-format Package.swift Sources Tests

clean:
	rm -rf .build
