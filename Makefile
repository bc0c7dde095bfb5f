# make demo    set up, build, and report on a real pre-trained ImageNet model
# make test    set up, build, and run all tests
# make fuzz    ten minutes of damaged inputs for each parser (FUZZ_SECONDS=n for another time)
# make build   the command-line tool, .build/release/neural-scope

# Always optimised: tensors in debug builds are hundreds of times slower. One set of flags, so that the tool and the
# tests share one build; the tool links the Swift runtime statically (see Package.swift), the tests cannot.
FLAGS := -c release
TOOL := .build/release/neural-scope
FUZZ_SECONDS := 600
MODEL := demo/efficientnet-lite0-57934424.pth

.PHONY: demo test fuzz build bootstrap format lint clean

demo:
	scripts/bootstrap --demo
	swift build $(FLAGS) --product neural-scope
	$(TOOL) report $(MODEL) --data demo/images --out neural-scope-report

test: bootstrap
	swift build $(FLAGS) --build-tests
	swift test $(FLAGS) --skip-build

fuzz: bootstrap
	swift build $(FLAGS) --build-tests
	NEURAL_SCOPE_FUZZ_SECONDS=$(FUZZ_SECONDS) nice -n 19 swift test $(FLAGS) --skip-build --filter ParserFuzzTests

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
