package plot_test

import (
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/gosciml/gosciml/sciml/plot"
)

// Two loss histories on a logarithmic axis. In a notebook, fig.Show draws it
// below the cell; a program saves it.
func ExampleConvergence() {
	adam := plot.Series{Name: "Adam"}
	lbfgs := plot.Series{Name: "L-BFGS"}
	for i := range 200 {
		adam.Y = append(adam.Y, math.Pow(10, -float64(i)/100)) // X nil means 0, 1, 2, …
		lbfgs.X = append(lbfgs.X, float64(i)/2)
		lbfgs.Y = append(lbfgs.Y, math.Pow(10, -float64(i)/20))
	}
	fig, err := plot.Convergence("Poisson", "iteration", "relative L^2 error", adam, lbfgs)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "figures")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fmt.Println(fig.Save(filepath.Join(dir, "poisson.svg")))
	// Output: <nil>
}

// Solution, reference and error, side by side.
func ExampleCompare() {
	exact := plot.Sample(func(x, y float64) float64 { return math.Sin(math.Pi*x) * math.Sin(math.Pi*y) }, 0, 1, 51, 0, 1, 51)
	u := plot.Sample(func(x, y float64) float64 { return math.Sin(math.Pi*x)*math.Sin(math.Pi*y) + 1e-4*x }, 0, 1, 51, 0, 1, 51)
	fig, err := plot.Compare("network", u, exact.U)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(fig.Show()) // Does nothing outside of a notebook.
	// Output: <nil>
}

// A figure that moves while a training runs.
func ExampleLive() {
	live := plot.NewLive(500 * time.Millisecond)
	progress := plot.NewProgress("training", 3)
	var losses []float64
	draw := func() *plot.Figure {
		fig, err := plot.Convergence("training", "step", "loss", plot.Series{Name: "loss", Y: losses})
		if err != nil {
			log.Fatal(err)
		}
		return fig
	}
	for step := range 3 {
		losses = append(losses, math.Exp(-float64(step)))
		progress.Step(step+1, "loss %.1e", losses[step])
		if live.Due() {
			if err := live.Update(draw()); err != nil {
				log.Fatal(err)
			}
		}
	}
	progress.Done("loss %.1e", losses[2])
	fmt.Println(live.Final(draw()))
	// Output: <nil>
}
