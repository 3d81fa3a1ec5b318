package plot

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// linearTicks places about want labelled ticks at round numbers.
type linearTicks struct {
	want  int     // 0 means 6.
	whole bool    // Integers only.
	step  float64 // Overrides want if not 0.
}

// Ticks implements plot.Ticker.
func (t linearTicks) Ticks(lo, hi float64) []plot.Tick {
	want := t.want
	want = cmp.Or(want, 6)
	span := hi - lo
	if !(span > 0) || math.IsInf(span, 0) {
		return []plot.Tick{{Value: lo, Label: number(lo, 6)}}
	}
	step := niceStep(span / float64(want))
	if t.whole && step < 1 {
		step = 1
	}
	if t.step > 0 {
		step = t.step
	}
	var ticks []plot.Tick
	first, last := math.Ceil(lo/step-1e-9), math.Floor(hi/step+1e-9)
	for i := first; i <= last && len(ticks) < 50; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step})
	}
	// One factor for all labels keeps 0.000002 and 3000000 short; it is
	// written into each label, since there is no other place that is safe.
	big := math.Max(math.Abs(lo), math.Abs(hi))
	exponent := 0
	if big >= 1e5 || big < 1e-3 {
		exponent = int(math.Floor(math.Log10(big) + 1e-9))
	}
	unit := step / math.Pow10(exponent)
	digits := max(0, -int(math.Floor(math.Log10(unit)+1e-9)))
	if r := unit * math.Pow10(digits); math.Abs(r-math.Round(r)) > 1e-6 {
		digits++ // A step of 2.5.
	}
	for i := range ticks {
		v := ticks[i].Value / math.Pow10(exponent)
		label := minus(strconv.FormatFloat(v, 'f', min(digits, 12), 64))
		if exponent != 0 && ticks[i].Value != 0 {
			label += fmt.Sprintf("·10^{%d}", exponent)
		}
		if ticks[i].Value == 0 {
			label = "0"
		}
		ticks[i].Label = label
	}
	return ticks
}

// niceStep returns 1, 2, 2.5 or 5 times a power of ten that is about x, or larger.
func niceStep(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*p >= 0.8*x {
			return m * p
		}
	}
	return 10 * p
}

// logTicks labels decades: every one while at most want fit, then every
// second, third and so on; below two decades also some multiples of a decade.
type logTicks struct {
	want int // 0 means 8.
}

// Ticks implements plot.Ticker.
func (t logTicks) Ticks(lo, hi float64) []plot.Tick {
	want := t.want
	want = cmp.Or(want, 8)
	if !(lo > 0) || !(hi > lo) || math.IsInf(hi, 0) {
		return nil
	}
	a, b := math.Log10(lo), math.Log10(hi)
	if b-a < 0.5 { // Too narrow for decades: round numbers, if few.
		return linearTicks{want: min(want, 5)}.Ticks(lo, hi)
	}
	first, last := int(math.Floor(a)), int(math.Ceil(b))
	every := 1
	for (last-first)/every+1 > want+1 {
		every++
	}
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		major := e%every == 0
		label := ""
		if major {
			label = decade(1, e, b-a < 2)
		}
		if v := math.Pow10(e); v >= lo*(1-1e-9) && v <= hi*(1+1e-9) {
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
		if every > 1 || b-a > 6 {
			continue
		}
		for m := 2; m <= 9; m++ {
			v := float64(m) * math.Pow10(e)
			if v < lo || v > hi {
				continue
			}
			tick := plot.Tick{Value: v}
			if b-a < 2 && (m == 2 || m == 5) || b-a < 1 && (m == 3 || m == 7) {
				tick.Label = decade(m, e, true)
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// decade writes m·10^e, in plain digits where that is short and asked for.
func decade(m, e int, plain bool) string {
	switch {
	case plain && -3 <= e && e <= 3:
		return strconv.FormatFloat(float64(m)*math.Pow10(e), 'f', max(0, -e), 64)
	case m == 1:
		return fmt.Sprintf("10^{%d}", e)
	}
	return fmt.Sprintf("%d·10^{%d}", m, e)
}

// number writes v with at most the given number of significant digits.
func number(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'g', digits, 64)
	mantissa, exponent, found := strings.Cut(s, "e")
	if !found {
		return minus(s)
	}
	e, _ := strconv.Atoi(exponent)
	if mantissa == "1" {
		return fmt.Sprintf("10^{%d}", e)
	}
	return minus(mantissa) + fmt.Sprintf("·10^{%d}", e)
}

// minus replaces the hyphen by a minus sign, which is as wide as a digit.
func minus(s string) string { return strings.Replace(s, "-", "−", 1) }
