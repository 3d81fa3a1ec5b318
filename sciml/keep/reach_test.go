package keep

import (
	"path/filepath"
	"strings"
	"testing"
)

// cell is the program of a notebook's cell: declarations, and main with statements before keep.Value, in the function given to it, and after.
func cell(declared, before, body, after string) string {
	return "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\n\t\"github.com/gosciml/gosciml/sciml/keep\"\n)\n\n" + declared + "\n\nfunc main() {\n" + before +
		"\nkeep.Value(\"v\", nil, func() (int, error) { // HERE\n" + body + "\n})\n" + after + "\nfmt.Println(os.Args)\n}\n"
}

// said is what keep says when a program takes the place of another one.
func said(t *testing.T, was, is string) string {
	t.Helper()
	return saidAt(t, 1, was, is)
}

func saidAt(t *testing.T, depth int, was, is string) string {
	t.Helper()
	before, _ := fingerprintAt(t, depth, was, innerSource)
	after, _ := fingerprintAt(t, depth, is, innerSource)
	return before.differ(after)
}

// TestWhatIsNotReachedDoesNotCount: what CHANGES is in a later cell at first, or has another text, and the function does not reach it.
func TestWhatIsNotReachedDoesNotCount(t *testing.T) {
	const point = "type point struct{ x, y int }\n\nfunc (p point) sum() int { return p.x + p.y }\n\n"
	for what, c := range map[string]struct{ declared, before, body, after, was, is string }{
		"method of a type that is reached":           {declared: point + "CHANGES", body: "return point{1, 2}.sum(), nil", is: "func (p point) Plot() {}"},
		"method of its pointer":                      {declared: point + "CHANGES", body: "p := &point{1, 2}\nreturn p.sum(), nil", is: "func (p *point) Plot() {}"},
		"method of what a function takes":            {declared: point + "func f(ps ...point) int { return ps[0].sum() }\n\nCHANGES", body: "return f(point{}, point{}), nil", is: "func (p point) String() string { return \"\" }"},
		"method of what a generic function takes":    {declared: point + "func must[T any](v T, err error) T { return v }\n\nfunc f() (point, error) { return point{}, nil }\n\nCHANGES", body: "return must(f()).x, nil", is: "func (p point) String() string { return \"\" }"},
		"method of what is in a list":                {declared: point + "CHANGES", body: "ps := []point{{1, 2}}\nps = append(ps, point{})\nfor _, p := range ps {\n_ = p.sum()\n}\nreturn ps[0].x, nil", is: "func (p point) String() string { return \"\" }"},
		"method whose field goes elsewhere":          {declared: point + "CHANGES", body: "fmt.Println(point{}.x)\nreturn 1, nil", is: "func (p point) String() string { return \"\" }"},
		"small method of what goes elsewhere":        {declared: point + "CHANGES", body: "fmt.Println(point{})\nreturn 1, nil", is: "func (p point) plot() {}"},
		"method of the result":                       {declared: "type count int\n\nCHANGES", body: "return int(count(3)), nil", is: "func (c count) String() string { return \"\" }"},
		"function called only afterwards":            {declared: "func f() int { return CHANGES }", body: "return 3, nil", after: "f()", was: "1", is: "2"},
		"function called before":                     {declared: "func f() int { return CHANGES }", before: "f()", body: "return 3, nil", was: "1", is: "2"},
		"variable set where nothing calls it":        {declared: "var n = 3\n\nCHANGES", body: "return n, nil", is: "func f() { n = 4 }"},
		"package variable set afterwards":            {declared: "var n = 3", body: "return n, nil", after: "CHANGES", was: "n = 4", is: "n = 5"},
		"variable set afterwards":                    {before: "n := 3", body: "return n, nil", after: "n = 4\nCHANGES", is: "n = 5"},
		"what is printed before":                     {before: "n := 3\nfmt.Println(CHANGES)", body: "return n, nil", was: "n", is: "n, n"},
		"condition around it":                        {before: "n := 3\nif CHANGES {", body: "return n, nil", after: "}", was: "len(os.Args) > 0", is: "len(os.Args) > 1"},
		"loop around it":                             {before: "for range CHANGES {", body: "return 3, nil", after: "}", was: "1", is: "2"},
		"local type of the same name":                {declared: "CHANGES", body: "type shape struct{ train int }\nreturn shape{train: 3}.train, nil", is: "type shape int\n\nfunc (shape) train() {}"},
		"local in a literal elsewhere":               {declared: "CHANGES", body: "m := map[os.Key]func(int) int{os.K: func(train int) int {\nx := train\nreturn x\n}}\nreturn m[os.K](3), nil", is: "func train() {}\n\nvar x = 3"},
		"argument of a call elsewhere":               {declared: "CHANGES", body: "os.Sort(func(train int) bool { return train > 0 }, os.Options{Train: 3})\nreturn 3, nil", is: "func train() {}\n\ntype Train int"},
		"field of what is elsewhere, like a const":   {declared: "CHANGES", body: "_ = os.Options{Steps: 3, Rate: 4}\nreturn 3, nil", is: "const Steps = 3"},
		"shadowed import":                            {declared: "CHANGES", body: "os := struct{ train int }{3}\nreturn os.train, nil", is: "func train() {}"},
		"shadowed package name in a parameter":       {declared: "func f(fmt int) int { return fmt }\n\nCHANGES", body: "return f(3), nil", is: "func Println() {}"},
		"label and goto":                             {declared: "CHANGES", body: "i := 0\ntrain:\nif i++; i < 3 {\ngoto train\n}\nreturn i, nil", is: "func train() {}"},
		"result that is named":                       {declared: "func f() (train int, err error) { train = 3; return }\n\nCHANGES", body: "return f()", is: "var train = 3"},
		"variable that a closure captures":           {declared: "CHANGES", before: "train := 3", body: "g := func() int { return train }\nreturn g(), nil", is: "func train() {}"},
		"variable of a select":                       {declared: "CHANGES", body: "c := make(chan int, 1)\nselect {\ncase train := <-c:\nreturn train, nil\ndefault:\n}\nreturn 3, nil", is: "func train() {}"},
		"variable of a type switch":                  {declared: "CHANGES", body: "switch train := any(3).(type) {\ncase int:\nreturn train, nil\n}\nreturn 3, nil", is: "func train() {}"},
		"promoted field":                             {declared: "type in struct{ train int }\n\ntype out struct{ in }\n\nCHANGES", body: "return out{in{3}}.train, nil", is: "func train() {}"},
		"type parameter of a type":                   {declared: "type list[train any] []train\n\nfunc (l list[train]) first() train { return l[0] }\n\nCHANGES", body: "return list[int]{3}.first(), nil", is: "type train int"},
		"blank":                                      {declared: "CHANGES", body: "_, n := 1, 2\nreturn n, nil", is: "var _ = fmt.Sprint(3)"},
		"init function of something else":            {declared: "var other = 3\n\nfunc init() { other = CHANGES }\n\nvar n = 4", body: "return n, nil", was: "5", is: "6"},
		"constant of another group":                  {declared: "const (\na = iota\nb\n)\n\nconst c = CHANGES", body: "return b, nil", was: "1", is: "2"},
		"deleted, not reached":                       {declared: "func f() int { return 3 }\n\nCHANGES", body: "return f(), nil", was: "func g() int { return 4 }"},
		"comment and format":                         {declared: "func f(a,b int) int { CHANGES return a+b }", body: "return f(1, 2), nil", was: "/* one */", is: "// two\n\n"},
		"method that hides nothing":                  {declared: "type in struct{}\n\nfunc (in) f() int { return 3 }\n\ntype out struct{ in }\n\nCHANGES", body: "return out{}.f(), nil", is: "func (out) g() int { return 4 }"},
		"method of another type with the same name":  {declared: point + "type other int\n\nCHANGES", body: "return point{}.sum(), nil", is: "func (other) sum() int { return 3 }"},
		"other implementation that nobody makes":     {declared: point + "type summed interface{ sum() int }\n\nfunc f(s summed) int { return s.sum() }\n\ntype other int\n\nCHANGES", body: "var _ other\nreturn f(point{}), nil", is: "func (other) sum() int { return 3 }"},
		"parallel function literal":                  {before: "g := func() int { return CHANGES }", body: "return 3, nil", after: "g()", was: "1", is: "2"},
		"import that the function does not use":      {declared: "CHANGES", body: "return 3, nil", is: "var _ = inner.One"},
		"variable of the package, of the same name":  {declared: "CHANGES", before: "n := 3", body: "return n, nil", is: "var n = 4\n\nfunc init() { n = 5 }"},
		"pointer method that another variable calls": {declared: "type c int\n\nfunc (x *c) add() { *x++ }", before: "var a, b c\nCHANGES", body: "return int(a), nil", after: "_ = b", was: "b.add()", is: ""},
	} {
		t.Run(what, func(t *testing.T) {
			source := cell(c.declared, c.before, c.body, c.after)
			if strings.Count(source, "CHANGES") != 1 {
				t.Fatal("it is not clear what changes in", source)
			}
			put := func(text string) string {
				out := strings.Replace(source, "CHANGES", text, 1)
				if strings.Contains(text, "inner.") {
					out = strings.Replace(out, "import (", "import (\n\t\"example.com/own/inner\"\n", 1)
				}
				return out
			}
			if got := said(t, put(c.was), put(c.is)); got != "" {
				t.Error(got)
			}
			if got := said(t, put(c.is), put(c.was)); got != "" {
				t.Error("the other way around:", got)
			}
		})
	}
}

// TestWhatIsReachedCounts: 1000 becomes 2000, and that is noticed and named.
func TestWhatIsReachedCounts(t *testing.T) {
	const run = "type T struct{ n int }\n\nfunc (T) Run() int { return 1000 }\n\n"
	for what, c := range map[string]struct {
		declared, before, body, after string
		depth                         int // 1 if not given.
		want                          string
	}{
		"method that another package calls":         {declared: run, body: "os.Run(T{})\nreturn 3, nil", want: "method T.Run"},
		"method of what is in a struct elsewhere":   {declared: run, body: "os.Run(os.Job{Of: []T{{1}}})\nreturn 3, nil", want: "method T.Run"},
		"method of what a field elsewhere gets":     {declared: run, body: "var j os.Job\nj.Of = T{}\nj.Run()\nreturn 3, nil", want: "method T.Run"},
		"method through fmt":                        {declared: "type T int\n\nfunc (T) String() string { return \"1000\" }", body: "fmt.Sprint([]T{3})\nreturn 3, nil", want: "method T.String"},
		"error":                                     {declared: "type E int\n\nfunc (E) Error() string { return \"1000\" }\n\nfunc f() error { return E(3) }", body: "return len(f().Error()), nil", want: "method E.Error"},
		"method of a type argument":                 {declared: "type I interface{ run() int }\n\ntype T int\n\nfunc (T) run() int { return 1000 }\n\nfunc f[X I](x X) int { return x.run() }", body: "return f(T(3)), nil", want: "method T.run"},
		"method of a type argument's argument":      {declared: "type I interface{ run() int }\n\ntype T int\n\nfunc (T) run() int { return 1000 }\n\nfunc f[X I](x X) int { return x.run() }\n\nfunc g[Y I](y Y) int { return f(y) }", body: "return g(T(3)), nil", want: "method T.run"},
		"method of a generic type":                  {declared: "type L[X any] []X\n\nfunc (l L[X]) size() int { return 1000 }", body: "return L[int]{}.size(), nil", want: "method L.size"},
		"promoted through an interface":             {declared: run + "type R interface{ Run() int }\n\ntype U struct{ T }", body: "var r R = U{}\nreturn r.Run(), nil", want: "method T.Run"},
		"embedded interface":                        {declared: run + "type R interface{ Run() int }\n\ntype U struct{ R }", body: "return U{T{}}.Run(), nil", want: "method T.Run"},
		"method value":                              {declared: run, body: "f := (&T{}).Run\nreturn f(), nil", want: "method T.Run"},
		"method expression of a pointer":            {declared: run, body: "return (*T).Run(&T{}), nil", want: "method T.Run"},
		"method of a conversion of what is unknown": {declared: "type T int\n\nfunc (t T) run() int { return 1000 }", body: "x := T(os.Getpid())\nreturn x.run(), nil", want: "method T.run"},
		"method of what is made elsewhere":          {declared: "type T int\n\nfunc (t T) run() int { return 1000 }", body: "x := os.New[T]()\nreturn x.run(), nil", want: "method T.run"},
		"method in a literal elsewhere":             {declared: "type T int\n\nfunc (t T) run() int { return 1000 }", body: "m := map[os.Key]func() int{os.K: func() int { return T(3).run() }}\nreturn m[os.K](), nil", want: "method T.run"},
		"method of a method's result, elsewhere":    {declared: "type T int\n\nfunc (t T) run() int { return 1000 }\n\ntype U int\n\nfunc (U) next() T { return 3 }", body: "m := map[os.Key]func() int{os.K: func() int { return U(3).next().run() }}\nreturn m[os.K](), nil", want: "method T.run"},
		"method of an array as long as one there":   {declared: "type T int\n\nfunc (t T) run() int { return 1000 }", body: "var x [os.N]T\nreturn x[0].run(), nil", want: "method T.run"},
		"how the result is written":                 {declared: "type T struct{ n int }\n\nfunc (T) GobEncode() ([]byte, error) { return make([]byte, 1000), nil }\n\nfunc f() (*T, error) { return nil, nil }\n\nfunc g() { keep.Value(\"w\", nil, func() (*T, error) { return f() }) }", body: "g()\nreturn 3, nil", want: "method T.GobEncode"},
		"function in a literal of unknown keys":     {declared: "func f() int { return 1000 }\n\nvar m = map[os.Key]func() int{os.K: f}", body: "return m[os.K](), nil", want: "func f"},
		"key of a map elsewhere":                    {declared: "const K = 1000", body: "return os.Map{K: 1}[3], nil", want: "const K"},
		"variable by its initial value's function":  {declared: "var a = b + 1\n\nvar b = f()\n\nfunc f() int { return 1000 }", body: "return a, nil", want: "func f"},
		"constant's group":                          {declared: "const (\na = iota + 1000\nb\nc\n)", body: "return c, nil", want: "const c"},
		"length of an array":                        {declared: "const n = 1000\n\ntype T struct{ a [n]int }", body: "return len(T{}.a), nil", want: "const n"},
		"type of a field":                           {declared: "type in struct{ a [1000]int }\n\ntype T struct{ in in }", body: "return len(T{}.in.a), nil", want: "type in"},
		"alias":                                     {declared: "type in struct{ a [1000]int }\n\ntype T = in", body: "return len(T{}.a), nil", want: "type in"},
		"variable that main sets":                   {declared: "var n = 3", before: "n = 1000", body: "return n, nil", want: "variable n"},
		"variable that main sets for a function":    {declared: "var n = 3\n\nfunc f() int { return n }", before: "n = 1000", body: "return f(), nil", want: "variable n"},
		"variable that an init function sets":       {declared: "var n = 3\n\nfunc set() { n = 1000 }\n\nfunc init() { set() }", body: "return n, nil", want: "variable n"},
		"variable that another's value sets":        {declared: "var n = 3\n\nvar _ = func() int { n = 1000; return 1 }()", body: "return n, nil", want: "variable n"},
		"condition under which it is set":           {before: "n := 3\nif len(os.Args) > 1000 {\nn = 4\n}", body: "return n, nil", want: "variable n"},
		"local in the condition":                    {before: "deep := 1000\nn := 3\nif deep > 5 {\nn = 4\n}", body: "return n, nil", want: "variable deep"},
		"how often it is set":                       {before: "n := 3\nfor i := 0; i < 1000; i++ {\nn *= 2\n}", body: "return n, nil", want: "variable n"},
		"case in which it is set":                   {before: "n := 3\nswitch len(os.Args) {\ncase 1000:\nn = 4\n}", body: "return n, nil", want: "variable n"},
		"address given away":                        {before: "n := 3\nfmt.Sscan(\"1000\", &n)", body: "return n, nil", want: "variable n"},
		"method called for it":                      {declared: "type c int\n\nfunc (x *c) add(n int) { *x += c(n) }", before: "var n c\nn.add(1000)", body: "return int(n), nil", want: "variable n"},
		"method of what is elsewhere":               {before: "n := os.Counter()\nn.Add(1000)", body: "return n.Value(), nil", want: "variable n"},
		"field":                                     {declared: "type T struct{ n int }", before: "var x T\nx.n = 1000", body: "return x.n, nil", want: "variable x"},
		"behind it in a loop":                       {before: "n := 3\nfor range 2 {", body: "return n, nil", after: "n = 1000\n}", want: "variable n"},
		"behind it in a literal":                    {before: "n := 3\nf := func() {", body: "return n, nil", after: "}\nn = 1000\nf()", depth: 2, want: "variable n"},
		"behind it, with a goto":                    {before: "n := 3\nagain:\n_ = n", body: "return n, nil", after: "if n = 1000; n > len(os.Args) {\ngoto again\n}", want: "variable n"},
		"function behind a range":                   {declared: "func f() []int { return []int{1000} }", before: "for _, n := range f() {", body: "return n, nil", after: "}", want: "func f"},
		"function beside an address":                {declared: "func f() string { return \"1000\" }", before: "n := 3\nfmt.Sscan(f(), &n)", body: "return n, nil", want: "func f"},
		"constant behind a local type":              {declared: "const k = 1000", before: "type T struct{ a [k]int }", body: "return len(T{}.a), nil", want: "const k"},
		"index of what is set":                      {declared: "func f() int { return 1000 }", before: "var n [3]int\nn[f()] = 1", body: "return n[1], nil", want: "func f"},
		"local type":                                {before: "type T struct{ a [1000]int }", body: "return len(T{}.a), nil", want: "local type T"},
		"local constant":                            {before: "const n = 1000", body: "return n, nil", want: "local const n"},
		"type switch":                               {before: "switch n := any(1000).(type) {\ncase int:", body: "return n, nil", after: "}", want: "variable n"},
		"shadow ends":                               {declared: "func f() int { return 1000 }", body: "{\nf := 3\n_ = f\n}\nreturn f(), nil", want: "func f"},
		"local of a literal elsewhere ends":         {declared: "func f() int { return 1000 }", body: "m := map[os.Key]func() int{os.K: func() int {\nx := f()\n{\nf := 3\n_ = f\n}\nreturn x\n}}\nreturn m[os.K](), nil", want: "func f"},
		"name of an import, as guessed":             {declared: "func own() int { return 1000 }", body: "_ = goown.X\nreturn own(), nil", want: "func own"},
	} {
		t.Run(what, func(t *testing.T) {
			source := cell(c.declared, c.before, c.body, c.after)
			if strings.Contains(source, "goown.") {
				source = strings.Replace(source, "import (", "import (\n\t\"example.com/go-own\"\n", 1)
			}
			changed := strings.Replace(source, "1000", "2000", 1)
			if got := saidAt(t, max(c.depth, 1), source, changed); !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q changed", got, c.want)
			}
			if c.declared != "" { // Wherever it is declared.
				moved := strings.Replace(source, c.declared+"\n", "", 1) + "\n// Moved.\n" + c.declared + "\n"
				if got := said(t, source, moved); got != "" {
					t.Errorf("declared elsewhere in the file: %s", got)
				}
			}
		})
	}
}

// TestImportsInAnyOrder: how imports are grouped is no change, and whatever a package is called, it counts when it is used.
func TestImportsInAnyOrder(t *testing.T) {
	base := cell("", "", "return int(inner.One()), nil", "")
	grouped := strings.Replace(base, "import (", "import \"example.com/own/inner\"\n\nimport (", 1)
	sorted := strings.Replace(base, "\"os\"\n", "\"os\"\n\t\"example.com/own/inner\"\n", 1)
	named := strings.Replace(strings.Replace(base, "import (", "import (\n\tother \"example.com/own/inner\"\n", 1), "inner.One", "other.One", 1)
	if got := said(t, grouped, sorted); got != "" {
		t.Error(got)
	}
	for _, source := range []string{grouped, named, strings.Replace(named, "other \"", ". \"", 1), strings.Replace(grouped, "inner.One", "actual.One", 1)} {
		source = strings.Replace(source, "int(other.One())", "int(One())", strings.Count(source, ". \"example"))
		before, _ := fingerprint(t, source, innerSource)
		after, _ := fingerprint(t, source, strings.Replace(innerSource, "1", "2", 1))
		if got := before.differ(after); got != "package example.com/own/inner changed" {
			t.Errorf("%q in\n%s", got, source)
		}
	}
}

// TestOtherPrograms: of the files beside the program's only those count that can be part of it.
func TestOtherPrograms(t *testing.T) {
	source := cell("", "", "return train(), nil", "")
	for name, c := range map[string]struct {
		file string
		part bool
	}{
		"a file of the program":  {"package main\n\nfunc train() int { return 1000 }\n", true},
		"another program":        {"package main\n\nfunc train() int { return 1000 }\n\nfunc main() {}\n", false},
		"for another system":     {"//go:build plan9\n\npackage main\n\nfunc train() int { return 1000 }\n", false},
		"ignored":                {"//go:build ignore\n\npackage main\n\nfunc train() int { return 1000 }\n", false},
		"another package":        {"package other\n\nfunc train() int { return 1000 }\n", false},
		"a file that is no Go":   {"package main\n\nfunc train() int { return 1000 }\n\nfunc (\n", false},
		"a method of the result": {"package main\n\ntype T int\n\nfunc train() int { return T(3).run() }\n\nfunc (T) run() int { return 1000 }\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(beside string) pieces {
				dir := t.TempDir()
				write(t, dir, map[string]string{"go.mod": "module example.com/own\n", "main.go": source, "beside.go": beside})
				found, err := reached(filepath.Join(dir, "main.go"), lineOf(t, source, "HERE"))
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			if got := of(c.file).differ(of(strings.Replace(c.file, "1000", "2000", 1))); (got != "") != c.part {
				t.Errorf("changed: %q", got)
			}
		})
	}
}

func reached(file string, line int) (pieces, error) {
	p, err := readProgram(file)
	if err != nil {
		return nil, err
	}
	return p.reach(place{file, line, 1})
}
