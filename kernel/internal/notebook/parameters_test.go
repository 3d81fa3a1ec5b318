package notebook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/tutorials/chapter"
)

const declaring = `import "time"

var rate = 0.1 // of the optimizer
var (
	steps, seed = 3, uint64(1)
	name        = "Adam"
	soft        bool
	wait        = 3 * time.Second
	limit       = 2 * math.Pi
	widths      = []int{32, 32}
	problem     = pde.Poisson2D()
)

const (
	size   = 10 // points
	margin = 0.5
	small  = int8(1)
)

const sep, end = ',', "."

var a, b = f()

const (
	red = iota
	green
)

%%
fmt.Println(rate)`

func TestDeclareAnewKeepsTypes(t *testing.T) {
	group := func(size, margin, small string) string {
		return "const (\n\tsize   = " + size + " // points\n\tmargin = " + margin + "\n\tsmall  = " + small + "\n)"
	}
	for given, want := range map[string]string{
		"rate=5":                     "var rate float64 = 5",
		"rate=1e-3":                  "var rate float64 = 1e-3",
		"rate=2*math.Pi":             "var rate float64 = 2*math.Pi",
		"steps=-1":                   "var steps int = -1",
		"seed=7":                     "var seed uint64 = 7",
		"name=L-BFGS \"fast\"":       `var name string = "L-BFGS \"fast\""`,
		"name=":                      `var name string = ""`,
		"name=a=b":                   `var name string = "a=b"`,
		"name=né":                    `var name string = "né"`,
		"soft=true":                  "var soft bool = true",
		"wait=5*time.Minute":         "var wait time.Duration = 5*time.Minute",
		"limit=1":                    "var limit float64 = 1",
		"widths=[]int{8}":            "var widths []int = []int{8}",
		"problem=pde.Burgers()":      "var problem = pde.Burgers()",
		"size=20":                    group("20", "0.5", "int8(1)"),
		"margin=2":                   group("10", "2.0", "int8(1)"),
		"margin=0x10":                group("10", "1.0 * (0x10)", "int8(1)"),
		"small=127":                  group("10", "0.5", "int8(127)"),
		"margin=1.5,small=2,size=-3": group("-3", "1.5", "int8(2)"),
		"end=!":                      `const sep, end = ',', "!"`,
		"seed=2,rate=1":              "var rate float64 = 1\nvar seed uint64 = 2",
	} {
		if got, err := DeclareAnew(declaring, parameters(given)); err != nil || got != "// Parameters\n"+want {
			t.Errorf("%s: %q, %v, want\n%s", given, got, err, want)
		}
	}
}

func parameters(given string) (values []Parameter) {
	for one := range strings.SplitSeq(given, ",") {
		name, value, _ := strings.Cut(one, "=")
		values = append(values, Parameter{name, value})
	}
	return values
}

func TestDeclares(t *testing.T) {
	got, err := Declares("var rate = 0.1\nvar soft bool\nvar p = pde.Burgers()")
	want := []Declared{{"rate", "float64", "0.1"}, {"soft", "bool", ""}, {"p", "", "pde.Burgers()"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Declares = %q, %v, want %q", got, err, want)
	}
}

func TestWrongParametersAreNamed(t *testing.T) {
	for given, want := range map[string][]string{
		"rates=5":           {`"rates"`, "rate (float64)", "steps (int)", "wait (time.Duration)", "problem,"},
		"rate=fast":         {"rate", `"fast"`, "a number of type float64", "undefined: fast", "steps (int)"},
		"rate=":             {"rate", `""`, "a number of type float64"},
		"rate=true":         {"a number of type float64"},
		"rate=\"5\"":        {"a number of type float64"},
		"rate=1; b=2":       {"a number of type float64"},
		"steps=2.5":         {"steps", `"2.5"`, "a number of type int", "truncated"},
		"small=128":         {"a number of type int8"},
		"size=0.5":          {"a number of type int"},
		"soft=1":            {"true or false"},
		"soft=True":         {"true or false"},
		"widths=[]int{":     {"a Go expression"},
		"b=1":               {"a declaration of its own"},
		"green=3":           {"a value of their own"},
		"rate=1,rate=2":     {"rate", "twice"},
		"fmt=1":             {`no parameter "fmt"`},
		"problem=var x = 1": {"a Go expression"},
	} {
		got, err := DeclareAnew(declaring, parameters(given))
		if err == nil {
			t.Errorf("%s was taken as %q", given, got)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: the error lacks %q: %v", given, w, err)
			}
		}
	}
	for source, want := range map[string]string{
		"%%\nrate := 0.1": "declares nothing",
		"":                "declares nothing",
		"rate := 0.1":     "expected declarations",
	} {
		if _, err := DeclareAnew(source, parameters("rate=5")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a cell with %q: %v, want an error with %q", source, err, want)
		}
	}
}

func TestParameterizePutsTheCellWherePapermillDoes(t *testing.T) {
	const text = `{"cells": [
		{"cell_type": "markdown", "metadata": {"tags": ["parameters"]}, "source": "text"},
		{"cell_type": "code", "metadata": {"tags": ["x", "parameters"], "kept": 1.50}, "source": ["var rate = 0.1\n", "var n = 1"], "outputs": [], "execution_count": null},
		{"cell_type": "code", "metadata": {}, "source": "%%\nfmt.Println(rate)", "outputs": [], "execution_count": null}
	], "metadata": {"own": {"b": 1e3}}, "nbformat": 4, "nbformat_minor": 5}`
	first, in, err := Parameterize([]byte(text), parameters("rate=5"))
	if err != nil || in != (Injected{Source: "// Parameters\nvar rate float64 = 5", Index: 2}) {
		t.Fatalf("Parameterize = %+v, %v", in, err)
	}
	if !strings.Contains(string(first), `"kept":1.50`) || !strings.Contains(string(first), `"own":{"b":1e3}`) {
		t.Errorf("what others keep in the notebook has changed:\n%s", first)
	}
	second, in, err := Parameterize(first, parameters("n=2"))
	if err != nil || in != (Injected{Source: "// Parameters\nvar n int = 2", Index: 2, Replaced: true}) {
		t.Fatalf("Parameterize again = %+v, %v", in, err)
	}
	var read struct {
		Cells []struct {
			Source   chapter.Text
			Metadata struct{ Tags []string }
		}
	}
	if err := json.Unmarshal(second, &read); err != nil || len(read.Cells) != 4 {
		t.Fatalf("%v, %d cells, want 4:\n%s", err, len(read.Cells), second)
	}
	if c := read.Cells[2]; string(c.Source) != in.Source || !slices.Equal(c.Metadata.Tags, []string{"injected-parameters"}) {
		t.Errorf("the cell put in is %+v", c)
	}
	none := strings.ReplaceAll(text, `"x", "parameters"`, `"x"`)
	if _, _, err := Parameterize([]byte(none), parameters("rate=5")); err == nil || !strings.Contains(err.Error(), "Cell Tags") {
		t.Errorf("a notebook without the tag: %v, want an error that says how to tag", err)
	}
}
