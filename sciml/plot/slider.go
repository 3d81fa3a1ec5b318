package plot

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// Slider is a figure of curves that depend on one parameter, which the reader
// moves: a step size, a weight, a rank, an iteration. All curves are computed
// beforehand and lie in the figure, so that it works in JupyterLab without a
// network and without a kernel, also from a notebook that was saved long ago.
// It is made by NewSlider and does not change afterwards.
type Slider struct {
	name    string
	values  []float64
	stills  []*Figure // One for each value.
	panels  []*curves // Those of the stills.
	options SliderOptions
	spec    []byte
}

// SliderOptions say how a Slider is drawn. The zero value draws lines on linear
// axes, and shows the first value at first.
type SliderOptions struct {
	LogX, LogY bool
	Marks      bool // Also a dot at each point, as for the iterates of a method.
	Dots       bool // Dots in place of lines, as for collocation points.
	Equal      bool // A unit of x is as long as one of y, unless that makes a sliver.

	// Static does not depend on the parameter, and lies behind what does. What
	// has a name is a curve like others, such as a rate of theory; what has
	// none is thin and grey, such as contours (see Isolines).
	Static []Series

	// XRange and YRange are the ends of the axes; where both ends are 0, the
	// axis covers all the data of all values. What lies beyond is cut off, as a
	// method that diverges may ask for.
	XRange, YRange [2]float64

	Start int // Index of the value that is shown first, and in the still picture.
}

const (
	sliderValues = 200     // Most values of a slider.
	sliderPoints = 480     // About how many points of a series are kept, with every spike.
	sliderLimit  = 500_000 // Bytes that the data of a slider may have in a notebook.
)

// NewSlider draws series[k] for values[k], with a slider over the parameter of
// that name. For every value there are as many series, with the same names in
// the same order; a series may be empty for some. Points that cannot be drawn
// break a curve: NaN, ±Inf, and on logarithmic axes what is not positive. Long
// series are thinned to some hundred points, keeping every spike, and numbers
// are rounded to what can be seen. Beside what moves, a still picture shows the
// value of Start to viewers that can only do that, such as PDF.
//
// It is an error when there is no value, when a value is not finite, when
// series does not fit values, when nothing is left to be drawn, and when the
// data would take more than half a megabyte.
func NewSlider(title, xlabel, ylabel, name string, values []float64, series [][]Series, options SliderOptions) (*Slider, error) {
	if err := checkSlider(values, series, options); err != nil {
		return nil, err
	}
	s := &Slider{name: name, values: values, options: options}
	look := plain
	switch {
	case options.Dots:
		look = dots
	case options.Marks:
		look = marked
	}
	whole := &curves{logX: options.LogX, logY: options.LogY}
	for k, of := range series {
		p := &curves{
			title: fmt.Sprintf("%s\n%s = %s", title, name, number(values[k], 4)), xlabel: xlabel, ylabel: ylabel,
			logX: options.LogX, logY: options.LogY, square: options.Equal,
		}
		if title == "" {
			p.title = strings.TrimPrefix(p.title, "\n")
		}
		for i, fixed := range options.Static {
			c := curve{name: fixed.Name, style: len(of) + i, segs: s.thinned(fixed)}
			if fixed.Name == "" {
				c.look = quiet
			}
			p.data = append(p.data, c)
		}
		for i, moving := range of {
			p.data = append(p.data, curve{name: moving.Name, style: i, segs: s.thinned(moving), look: look})
		}
		whole.data = append(whole.data, p.data...)
		s.panels = append(s.panels, p)
	}
	if !whole.measure() {
		return nil, fmt.Errorf("plot: NewSlider: nothing to draw: none of the points of %d series for %d values is finite%s", len(series[0]), len(values), options.positive())
	}
	for _, p := range s.panels {
		p.xmin, p.xmax, p.ymin, p.ymax, p.whole = whole.xmin, whole.xmax, whole.ymin, whole.ymax, whole.whole
		p.xrange, p.yrange = options.XRange, options.YRange
		s.stills = append(s.stills, &Figure{rows: [][]panel{{p}}})
	}
	var err error
	if s.spec, err = s.vega(title); err != nil {
		return nil, err
	}
	if len(s.spec) > sliderLimit {
		return nil, fmt.Errorf("plot: NewSlider: %d values with %d series and %d that are static take %d bytes, which is over %d; give fewer values, series or contours",
			len(values), len(series[0]), len(options.Static), len(s.spec), sliderLimit)
	}
	return s, nil
}

func (o SliderOptions) positive() string {
	if o.LogX || o.LogY {
		return ", and positive where an axis is logarithmic"
	}
	return ""
}

func checkSlider(values []float64, series [][]Series, options SliderOptions) error {
	fail := func(format string, args ...any) error { return fmt.Errorf("plot: NewSlider: "+format, args...) }
	if len(values) == 0 || len(values) > sliderValues {
		return fail("there are %d values; give 1 to %d", len(values), sliderValues)
	}
	for k, v := range values {
		if !finite(v) {
			return fail("value %d is %g, want a finite one", k+1, v)
		}
	}
	if len(series) != len(values) {
		return fail("series has %d elements and values %d; give the curves of each value", len(series), len(values))
	}
	for k, of := range series {
		if len(of) != len(series[0]) {
			return fail("value %d has %d series and value 1 has %d; give as many, empty ones if need be", k+1, len(of), len(series[0]))
		}
		for i, s := range of {
			if err := s.check(fmt.Sprintf("NewSlider: value %d", k+1), i); err != nil {
				return err
			}
			if first := series[0][i].Name; s.Name != first {
				return fail("series %d of value %d is %q and that of value 1 %q; give one order and the same names, which the legend shows", i+1, k+1, s.Name, first)
			}
		}
	}
	for i, s := range options.Static {
		if err := s.check("NewSlider: SliderOptions.Static", i); err != nil {
			return err
		}
	}
	if options.Start < 0 || options.Start >= len(values) {
		return fail("SliderOptions.Start is %d, want the index of one of %d values", options.Start, len(values))
	}
	for _, axis := range []struct {
		name  string
		limit [2]float64
		log   bool
	}{{"XRange", options.XRange, options.LogX}, {"YRange", options.YRange, options.LogY}} {
		lo, hi := axis.limit[0], axis.limit[1]
		if axis.limit != [2]float64{} && (!finite(lo) || !finite(hi) || !(lo < hi) || axis.log && lo <= 0) {
			return fail("SliderOptions.%s is %g to %g, want finite values that increase (and are positive on a logarithmic axis), or 0 and 0 for all the data", axis.name, lo, hi)
		}
	}
	return nil
}

// thinned returns the pieces of a series that can be drawn, with as many points as can be told apart.
func (s *Slider) thinned(of Series) [][]point {
	segs := segments(of.X, of.Y, s.options.LogY)
	if s.options.LogX {
		segs = positiveX(segs)
	}
	lo, hi, n := math.Inf(1), math.Inf(-1), 0
	at := func(x float64) float64 { return x }
	if s.options.LogX {
		at = math.Log
	}
	for _, seg := range segs {
		for _, q := range seg {
			lo, hi = math.Min(lo, at(q.x)), math.Max(hi, at(q.x))
		}
		n += len(seg)
	}
	if n <= sliderPoints || s.options.Dots || hi <= lo {
		return segs
	}
	const columns = sliderPoints / 4
	for i, seg := range segs {
		segs[i] = decimate(seg, func(q point) int { return int(columns * ((at(q.x) - lo) / (hi - lo))) }, columns*len(seg)/n)
	}
	return segs
}

// positiveX splits pieces where x has no logarithm.
func positiveX(segs [][]point) [][]point {
	var out [][]point
	for _, seg := range segs {
		from := 0
		for i := 0; i <= len(seg); i++ {
			if i < len(seg) && seg[i].x > 0 {
				continue
			}
			if i > from {
				out = append(out, seg[from:i])
			}
			from = i + 1
		}
	}
	return out
}

// Figure returns the still picture of values[k], for a row of several values or an animation. An index out of range is an error.
func (s *Slider) Figure(k int) (*Figure, error) {
	if err := s.check("Figure"); err != nil {
		return nil, err
	}
	if k < 0 || k >= len(s.stills) {
		return nil, fmt.Errorf("plot: Slider.Figure: the index is %d, want one of %d values", k, len(s.stills))
	}
	return s.stills[k], nil
}

func (s *Slider) check(method string) error {
	if s == nil || len(s.stills) == 0 {
		return fmt.Errorf("plot: Slider.%s: the slider is nil or empty; check the error of NewSlider", method)
	}
	return nil
}

// VegaLite returns the figure as a specification in Vega-Lite 5 that holds all its data, for web pages.
func (s *Slider) VegaLite() ([]byte, error) {
	if err := s.check("VegaLite"); err != nil {
		return nil, err
	}
	return s.spec, nil
}

// Save writes the slider to path as a Vega-Lite specification if its name ends
// in .json, or the still picture of the value of Start if in .png or .svg.
func (s *Slider) Save(path string) error {
	if err := s.check("Save"); err != nil {
		return err
	}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".json":
		if err := atomicfile.Write(path, s.spec, 0o666); err != nil {
			return fmt.Errorf("plot: Save: cannot write the slider: %w", err)
		}
		return nil
	case ".png", ".svg":
		return s.stills[s.options.Start].Save(path)
	default:
		return fmt.Errorf("plot: Save: %q ends in %q; use a name that ends in .json for Vega-Lite, or in .png or .svg for a still picture", path, ext)
	}
}

// Show draws the slider as output of the notebook cell that is running. Outside of a notebook it checks the slider and does nothing else.
func (s *Slider) Show() error {
	if err := s.check("Show"); err != nil || !gonbui.IsNotebook {
		return err
	}
	b, err := s.bundle()
	if err != nil {
		return err
	}
	b.send("")
	return delivered("Show")
}

// mimeVegaLite is what JupyterLab draws by itself, also in a notebook that it does not trust.
const mimeVegaLite protocol.MIMEType = "application/vnd.vegalite.v5+json"

// bundle returns the slider with its still picture: without SVG, since some viewers would take that for the better one.
func (s *Slider) bundle() (bundle, error) {
	b, err := s.stills[s.options.Start].bundle()
	if err != nil {
		return bundle{}, err
	}
	delete(b.data, protocol.MIMEImageSVG)
	b.data[mimeVegaLite] = string(s.spec)
	b.data[protocol.MIMETextPlain] = s.described()
	b.metadata["alt"] = s.described()
	return b, nil
}

// described is the name of the still picture and of what the slider moves.
func (s *Slider) described() string {
	p := s.panels[s.options.Start]
	return fmt.Sprintf("%s; a slider moves %s through %d values from %s to %s", strings.ReplaceAll(p.name(), "\n", ", "), s.name, len(s.values),
		number(s.values[0], 4), number(s.values[len(s.values)-1], 4))
}
