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

// Five seeds of a training: the median, and the range shaded.
func ExampleBands() {
	band := plot.Band{Name: "Adam"}
	for seed := range 5 {
		var run plot.Series
		for i := range 100 {
			run.X = append(run.X, float64(i)*(1+0.05*float64(seed))) // Seconds: no two runs have the same.
			run.Y = append(run.Y, math.Exp(-float64(i)/(20+float64(seed))))
		}
		band.Runs = append(band.Runs, run)
	}
	fig, err := plot.Bands("five seeds", "seconds", "relative L^2 error", band)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(fig.Show())
	// Output: <nil>
}

// Gradient descent on a quadratic of two variables.
func ExampleLandscape() {
	loss := plot.Sample(func(x, y float64) float64 { return x*x + 20*y*y + 1e-3 }, -2, 2, 81, -1, 1, 41)
	path := plot.Series{Name: "gradient descent"}
	for x, y, k := 1.8, 0.7, 0; k < 30; k++ {
		path.X, path.Y = append(path.X, x), append(path.Y, y)
		x, y = x-0.045*2*x, y-0.045*40*y
	}
	fig, err := plot.Landscape("a valley", loss, []plot.Series{path}, plot.AxisLabels("x", "y"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(fig.Show())
	// Output: <nil>
}

// Collocation points over the residual.
func ExampleDots() {
	residual := plot.Sample(func(x, t float64) float64 { return math.Exp(-50*x*x) * t }, -1, 1, 81, 0, 1, 41)
	points := plot.Series{Name: "points", X: []float64{-0.1, 0, 0.1}, Y: []float64{0.9, 0.8, 0.7}}
	fig, err := plot.HeatMap("|residual|", residual, plot.LogColor(), plot.Dots(points), plot.AxisLabels("x", "t"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(fig.Show())
	// Output: <nil>
}

// Gradient descent on a quadratic of two variables: the reader moves the step size.
func ExampleNewSlider() {
	valley := plot.Sample(func(x, y float64) float64 { return x*x + 20*y*y }, -2, 2, 81, -1, 1, 41)
	contours, err := plot.Isolines(valley, 0.1, 1, 5, 15)
	if err != nil {
		log.Fatal(err)
	}
	steps := []float64{0.01, 0.02, 0.03, 0.04, 0.05, 0.055}
	var paths [][]plot.Series
	for _, step := range steps {
		path := plot.Series{Name: "gradient descent"}
		for x, y, k := 1.8, 0.9, 0; k < 40; k++ {
			path.X, path.Y = append(path.X, x), append(path.Y, y)
			x, y = x-step*2*x, y-step*40*y
		}
		paths = append(paths, []plot.Series{path})
	}
	slider, err := plot.NewSlider("a valley", "x", "y", "step size", steps, paths, plot.SliderOptions{
		Marks: true, Equal: true, Static: contours, Start: 3,
		XRange: [2]float64{-2, 2}, YRange: [2]float64{-1, 1}, // The last step size diverges.
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(slider.Show()) // In a notebook; elsewhere see Save.
	// Output: <nil>
}

// An error map during a training.
func ExampleNewAnimation() {
	var frames []*plot.Figure
	for k := range 5 {
		e := plot.Sample(func(x, y float64) float64 { return math.Exp(-float64(k)) * math.Abs(math.Sin(6*x)*y) }, 0, 1, 41, 0, 1, 41)
		fig, err := plot.HeatMap(fmt.Sprintf("|error| after %d steps", 100*k), e, plot.LogColor())
		if err != nil {
			log.Fatal(err)
		}
		frames = append(frames, fig)
	}
	animation, err := plot.NewAnimation(frames, 200*time.Millisecond)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(animation.Show()) // In a notebook; elsewhere see Save.
	// Output: <nil>
}

// Eigenvalues before and after a preconditioner, over a logarithmic index.
func ExampleSpectrum() {
	before, after := plot.Series{Name: "before"}, plot.Series{Name: "after"}
	for i := range 200 {
		before.Y = append(before.Y, math.Pow(float64(i+1), -3))
		after.Y = append(after.Y, 1+math.Pow(float64(i+1), -1))
	}
	fig, err := plot.Spectrum("eigenvalues", "λ", before, after)
	if err != nil {
		log.Fatal(err)
	}
	if fig, err = fig.LogX(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(fig.Show())
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
