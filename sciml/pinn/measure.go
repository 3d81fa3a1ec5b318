package pinn

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// networks are random parameters, away from those that a network starts with: some start as a function that is zero.
func (m *Model) networks(count int) ([][]float64, error) {
	var all [][]float64
	for k := range uint64(count) {
		var theta []float64
		what := fmt.Sprintf("Init of the network %T", m.network)
		if err := usercode.Call(what, func() error { theta = m.Init(m.options.Seed + k); return m.checkTheta(theta) }); err != nil {
			return nil, err
		}
		network := theta[:m.network.NumParams()]
		square := 0.0
		for _, v := range network {
			square += v * v / float64(len(network))
		}
		size := 0.5 * math.Sqrt(square)
		if size == 0 {
			size = 0.1
		}
		rng := rand.New(rand.NewPCG(m.options.Seed, k))
		for i := range network {
			network[i] += size * rng.NormFloat64()
		}
		all = append(all, theta)
	}
	return all, nil
}

// measure runs the program.
func (t *trial) measure(b compute.Backend) error {
	program, err := device.NewProgram(device.Compiler{Backend: b}, "trial", t.build)
	if err != nil {
		return err
	}
	m := t.model
	unknowns := len(m.problem.Unknowns)
	inputs := t.inputs()
	defer func() { device.Free(inputs) }()
	set := func(i int, values []float64) {
		device.Free(inputs[i : i+1])
		inputs[i] = t.rows(values, unknowns)
	}
	call := func(theta, gate []float64) ([][]float64, error) {
		set(0, gate)
		parameters := []*tensors.Tensor{device.Vector(t.dtype, theta)}
		defer device.Free(parameters)
		out, err := program.Call(parameters, inputs)
		if err != nil {
			return nil, err
		}
		defer device.Free(out)
		values := make([][]float64, len(out))
		for i := range out {
			if values[i], err = device.Numbers(out[i]); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
	random, err := m.networks(2)
	if err != nil {
		return err
	}
	open, closed := slices.Repeat([]float64{1}, unknowns), make([]float64, unknowns)
	with, err := call(random[0], open)
	if err != nil {
		return err
	}
	sizes := columnSizes(with[0], unknowns)
	for k, s := range sizes {
		if !(s > 0) || math.IsInf(s, 0) {
			sizes[k] = 1
		}
	}
	set(1, sizes)
	without, err := call(random[0], closed)
	if err != nil {
		return err
	}
	second, err := call(random[1], open)
	if err != nil {
		return err
	}
	// alone is what each unknown gives without the others.
	aloneTimes := func(size float64, all [][]float64) ([][][]float64, error) {
		var alone [][][]float64
		for k := range unknowns {
			if unknowns == 1 {
				return [][][]float64{all}, nil
			}
			gate := slices.Clone(closed)
			gate[k] = size
			one, err := call(random[0], gate)
			if err != nil {
				return nil, err
			}
			alone = append(alone, one)
		}
		return alone, nil
	}
	alone, err := aloneTimes(1, with)
	if err != nil {
		return err
	}
	outputs := 0 // of the program, for equations
	for _, p := range t.equations() {
		if outputs++; p.claimed {
			outputs++
		}
	}
	for k, name := range m.problem.Unknowns {
		equations := func(of [][]float64) [][]float64 { return of[1 : 1+outputs] }
		if len(t.equations()) == 0 || unknowns == 1 || !reflect.DeepEqual(equations(alone[k]), equations(without)) {
			continue
		}
		gate := slices.Clone(open) // it may count together with others
		gate[k] = 0
		others, err := call(random[0], gate)
		if err != nil {
			return err
		}
		if reflect.DeepEqual(equations(others), equations(with)) {
			t.absent = append(t.absent, name)
		}
	}
	// Beside numbers such as 1e20 what a network adds is lost to rounding: there it is measured of a large one, per size.
	large, largeAlone, size := with, alone, 1.0
	for at := range with {
		if bare := rootMeanSquare(without[at]); rounded(with[at], without[at]) && !math.IsInf(bare, 0) {
			size = math.Max(size, math.Pow(10, math.Round(math.Log10(bare))))
		}
	}
	if size > 1 {
		if large, err = call(random[0], slices.Repeat([]float64{size}, unknowns)); err != nil {
			return err
		}
		if largeAlone, err = aloneTimes(size, large); err != nil {
			return err
		}
	}
	added := func(at int, small, large [][]float64) []float64 {
		change := difference(small[at], without[at])
		if size == 1 || !rounded(with[at], without[at]) {
			return change
		}
		for i, v := range difference(large[at], without[at]) {
			change[i] = v / size
		}
		return change
	}
	t.lift = columnSizes(without[0], unknowns)
	t.unknowns = columnSizes(added(0, with, large), unknowns)
	at := 1
	for _, p := range t.probes {
		change := added(at, with, large)
		p.response, p.bare = rootMeanSquare(change), rootMeanSquare(without[at])
		if p.own && p.condition.Sums == nil { // data may hold an outlier, such as −9999 for what is missing
			p.bare = cmp.Or(median(without[at]), p.bare)
		}
		if p.condition != nil && p.condition.Sums != nil && p.condition.Sums.Rewrite == nil { // how far a row has to go is told by its value, too
			_, values := p.condition.Sums.Rows()
			p.bare = math.Max(p.bare, largest(values))
		}
		if p.components > 0 {
			p.parts = columnSizes(change, p.components)
			for c, size := range columnSizes(without[at], p.components) {
				p.parts[c] = math.Max(p.parts[c], size)
			}
		}
		for k := range alone {
			p.by = append(p.by, rootMeanSquare(added(at, alone[k], largeAlone[k])))
		}
		if p.claimed {
			p.off = math.Max(largest(with[at]), largest(second[at]))
			if p.off > 0 {
				p.off /= largest(without[at+1])
			}
			at++
		}
		at++
	}
	return nil
}

// median is that of absolute values.
func median(values []float64) float64 {
	sizes := make([]float64, len(values))
	for i, v := range values {
		sizes[i] = math.Abs(v)
	}
	slices.Sort(sizes)
	return sizes[(len(sizes)-1)/2]
}

// rounded reports whether two vectors differ by so little that it is mostly rounding.
func rounded(a, b []float64) bool {
	return rootMeanSquare(difference(a, b)) <= 1e-10*rootMeanSquare(b)
}

func difference(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// columnSizes are the root mean squares of the columns of a matrix.
func columnSizes(rows []float64, columns int) []float64 {
	sizes := make([]float64, columns)
	for k := range sizes {
		var column []float64
		for i := k; i < len(rows); i += columns {
			column = append(column, rows[i])
		}
		sizes[k] = rootMeanSquare(column)
	}
	return sizes
}

// rootMeanSquare does not overflow where the mean does not.
func rootMeanSquare(values []float64) float64 {
	size := largest(values)
	if size == 0 || math.IsNaN(size) || math.IsInf(size, 0) {
		return size
	}
	total := 0.0
	for _, v := range values {
		total += v / size * (v / size)
	}
	return size * math.Sqrt(total/float64(len(values)))
}

// largest is the largest absolute value, or NaN.
func largest(values []float64) float64 {
	m := 0.0
	for _, v := range values {
		if math.IsNaN(v) {
			return v
		}
		m = math.Max(m, math.Abs(v))
	}
	return m
}
