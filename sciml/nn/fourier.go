package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
)

// fourier is the map of Fourier. The frequencies themselves are stored, so that a saved network does not depend on the
// random generator.
type fourier struct {
	Sigma       float64
	Frequencies [][]float64 // inputs rows of features columns
}

// Fourier maps x to (cos(Bᵀx), sin(Bᵀx)), 2·features outputs, with fixed frequencies B drawn from a normal distribution
// of mean 0 and standard deviation sigma (Tancik et al. 2020, "Fourier features let networks learn high frequency
// functions in low dimensional domains"; without their 2π, as in Wang, Wang and Perdikaris 2021, "On the eigenvector
// bias of Fourier feature networks", equation 2.12). A larger sigma lets a network learn finer detail, sooner. The same
// seed gives the same frequencies.
//
// It returns an error for inputs or features below one, or a sigma that is not finite and above 0.
func Fourier(inputs, features int, sigma float64, seed uint64) (Map, error) {
	const who = "nn.Fourier"
	if err := atLeastOne(who, "inputs", inputs, "features", features); err != nil {
		return nil, err
	}
	if !(sigma > 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("%s: sigma is %v, expected a finite number above 0", who, sigma)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	f := &fourier{Sigma: sigma, Frequencies: make([][]float64, inputs)}
	for i := range f.Frequencies {
		f.Frequencies[i] = make([]float64, features)
		for k := range f.Frequencies[i] {
			f.Frequencies[i][k] = sigma * rng.NormFloat64()
		}
	}
	return f, nil
}

func (f *fourier) Inputs() int { return len(f.Frequencies) }

func (f *fourier) Outputs() int { return 2 * len(f.Frequencies[0]) }

func (f *fourier) Apply(x *graph.Node) *graph.Node {
	phase := graph.DotGeneral(x, []int{x.Rank() - 1}, nil, graph.ConstAsDType(x.Graph(), x.DType(), f.Frequencies), []int{0}, nil)
	return graph.Concatenate([]*graph.Node{graph.Cos(phase), graph.Sin(phase)}, -1)
}

func (f *fourier) String() string {
	return fmt.Sprintf("Fourier %d-%d σ=%v", f.Inputs(), f.Outputs(), f.Sigma)
}

func (f *fourier) Specification() (kind string, data any) { return kindFourier, f }
