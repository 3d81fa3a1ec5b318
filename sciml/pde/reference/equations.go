package reference

import (
	"context"
	"fmt"
	"math"
)

// AllenCahn returns the solution of u_t = 1e-4 u_xx + 5u − 5u³ for x in [−1, 1], periodic, and t in [0, 1], with
// u(x, 0) = x² cos πx.
//
// The error is 4e-10 of u in the quadratic mean, and below 1e-10 everywhere from t = 0.01 on. Before, it is larger near
// x = ±1, where the periodic continuation of u(x, 0) has a kink that diffuses over √(1e-4 t): up to 3e-7 for t between
// 0.001 and 0.01, and up to 6e-5 earlier.
func AllenCahn(ctx context.Context) (Field, error) {
	return field(ctx, "Allen-Cahn", allenCahn())
}

func allenCahn() *Periodic {
	return &Periodic{
		Lo: -1, Hi: 1, T: 1, Modes: 4096, Frames: 400, Steps: 1600, Graded: true,
		Initial:  func(x float64) float64 { return x * x * math.Cos(math.Pi*x) },
		Symbol:   func(k float64) complex128 { return complex(-1e-4*k*k, 0) },
		Reaction: func(u float64) float64 { return 5 * u * (1 - u*u) },
	}
}

// ReactionDiffusion returns the solution of u_t = ν u_xx + ρ u(1 − u) for x in [0, 2π], periodic, and t in [0, 1],
// with u(x, 0) = exp(−(x−π)²/2(π/4)²) (Krishnapriyan et al. 2021). It returns an error unless ν is between
// 0.01 and 100 and ρ between 0 and 20.
//
// The error is below 1e-9 from t = 0.01 on; before, it may reach 1e-6 near x = 0 and 2π, where the periodic
// continuation of u(x, 0) has a small kink.
func ReactionDiffusion(ctx context.Context, nu, rho float64) (Field, error) {
	switch {
	case !(nu >= 0.01 && nu <= 100):
		return nil, fmt.Errorf("reference.ReactionDiffusion: nu is %v, expected 0.01 to 100", nu)
	case !(rho >= 0 && rho <= 20):
		return nil, fmt.Errorf("reference.ReactionDiffusion: rho is %v, expected 0 to 20", rho)
	}
	return field(ctx, fmt.Sprintf("reaction-diffusion nu=%v rho=%v", nu, rho), reactionDiffusion(nu, rho))
}

func reactionDiffusion(nu, rho float64) *Periodic {
	return &Periodic{
		Lo: 0, Hi: 2 * math.Pi, T: 1, Modes: 1024, Frames: 200, Steps: 1000, Graded: true,
		Initial: func(x float64) float64 {
			z := (x - math.Pi) / (math.Pi / 4)
			return math.Exp(-z * z / 2)
		},
		Symbol:   func(k float64) complex128 { return complex(-nu*k*k, 0) },
		Reaction: func(u float64) float64 { return rho * u * (1 - u) },
	}
}

// KortewegDeVries returns the solution of u_t + u u_x + 0.022² u_xxx = 0 for x in [−1, 1], periodic, and t in [0, 1],
// with u(x, 0) = cos πx (Zabusky and Kruskal 1965). The error is 1e-11 of u in the quadratic mean and at most 1e-10.
func KortewegDeVries(ctx context.Context) (Field, error) {
	return field(ctx, "Korteweg-de Vries", kortewegDeVries())
}

func kortewegDeVries() *Periodic {
	return &Periodic{
		Lo: -1, Hi: 1, T: 1, Modes: 768, Frames: 500, Steps: 20000,
		Initial: func(x float64) float64 { return math.Cos(math.Pi * x) },
		Symbol:  func(k float64) complex128 { return complex(0, 0.022*0.022*k*k*k) },
		Flux:    func(u float64) float64 { return u * u / 2 },
	}
}

// KuramotoSivashinsky returns the solution of u_t + (100/16) u u_x + (100/16²) u_xx + (100/16⁴) u_xxxx = 0 for x in
// [0, 2π], periodic, and t in [0, T], T at most 1, with u(x, 0) = cos x (1 + sin x) (Wang, Sankaran and Perdikaris
// 2022, arXiv 2203.07404).
//
// The flow is chaotic, and errors grow with time: to 5e-10 at t = 0.5 and 3e-9 at t = 1, and in the quadratic mean
// over [0, 1] to 2e-10 of u. The first computation takes about ten seconds for T = 1.
func KuramotoSivashinsky(ctx context.Context, end float64) (Field, error) {
	if !(end > 0 && end <= 1) {
		return nil, fmt.Errorf("reference.KuramotoSivashinsky: the end of time is %v, expected a positive number up to 1", end)
	}
	return field(ctx, "Kuramoto-Sivashinsky", kuramotoSivashinsky(end))
}

func kuramotoSivashinsky(end float64) *Periodic {
	frames := max(20, int(math.Ceil(1000*end)))
	return &Periodic{
		Lo: 0, Hi: 2 * math.Pi, T: end, Modes: 768, Frames: frames, Steps: 80 * frames,
		Initial: func(x float64) float64 { return math.Cos(x) * (1 + math.Sin(x)) },
		Symbol: func(k float64) complex128 {
			return complex(100*(k/16)*(k/16)*(1-(k/16)*(k/16)), 0)
		},
		Flux: func(u float64) float64 { return 100. / 16 * u * u / 2 },
	}
}

// field solves an equation, or takes its solution from where it is kept under a name with its parameters.
func field(ctx context.Context, name string, p *Periodic) (Field, error) {
	key := fmt.Sprintf("%s x=[%v,%v] T=%v modes=%d frames=%d steps=%d graded=%v", name, p.Lo, p.Hi, p.T, p.Modes, p.Frames, p.Steps, p.Graded)
	table := p.table()
	var err error
	table.values, err = kept(ctx, key, (p.Frames+1)*p.Modes, func(ctx context.Context) ([]float64, error) {
		solved, err := p.Solve(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return solved.values, nil
	})
	if err != nil {
		return nil, err
	}
	return table.At, nil
}
