// Package linalg solves the linear systems and least-squares problems inside second-order methods: by factorization, on
// the device or on the host, and from products with the matrix alone.
//
// # What to use when
//
//	A is symmetric positive definite, and fits      SPD on the host, Cholesky in a graph
//	A is semidefinite, or nearly so, and fits       Eigen, with a cutoff, for many right-hand sides, cutoffs and shifts
//	least squares with a matrix that fits           LeastSquares; Ridge for many dampings
//	only products; A positive definite              CG; it finds directions of negative curvature, too
//	only products; A symmetric                      MINRES: indefinite, or singular
//	only products; least squares                    LSQR; LSMR if it is stopped early
//	eigenvalues at the ends of a spectrum           Lanczos
//	a large, flattening spectrum and a shift        AdaptNystrom, and its Inverse as a preconditioner of CG or MINRES
//
// A matrix of order n fits as long as n³/3 operations for SPD, or 9n³ for Eigen, are affordable: 2000 and 700 within a
// second or two. An iterative method takes about √κ iterations for each digit, of a product each, where κ is the condition
// (CG; κ for MINRES on an indefinite matrix and for LSQR), and fewer where eigenvalues are in few clusters. A
// preconditioner is worth its cost if it brings κ down by more than the square of what it adds to an iteration.
//
// For a matrix that is on the device, Cholesky is faster than SPD from an order of about 150 on. This holds for XLA on a
// CPU, where both have the same cores (BenchmarkCholesky: host/device was 0.5 at n = 50, 0.8 at 100, 1.2 at 150, 2.0 at
// 300, 2.2 at 600 and 1.4 to 2.0 at 1341). Compilation takes as long as dozens of solutions or more, so that a few are
// better on the host at any order; so are all on the pure-Go back end.
//
// # Normal equations halve the digits
//
// The least-squares problem min ‖Jp + r‖ has the solution of JᵀJp = −Jᵀr, but the condition of JᵀJ is the square of that of
// J. The error of a solution is 1e-16 times the condition: with κ(J) = 1e7 normal equations leave two digits where the problem
// itself allows nine, and from 1e8 on JᵀJ is not positive definite in rounding, or is so by chance. What to do instead:
//
//   - Take J itself: LeastSquares (QR, or singular values), or LSQR and LSMR, which see the condition of J. Its error is
//     κ + κ²‖r‖/(‖J‖‖p‖) times the rounding: the square comes back only where the residual stays large, and does not at the
//     end of training, where r → 0.
//   - Give √λ·I below J, which is Shift = λ of LSQR and LSMR, for damping. Cholesky of JᵀJ + λI has the condition
//     κ² or ‖J‖²/λ, whichever is smaller: with λ above 1e-8·‖J‖², normal equations are good enough.
//   - With fewer residuals than parameters, factorize JJᵀ + λI and take p = −Jᵀ(JJᵀ + λI)⁻¹r. It is as badly conditioned,
//     but smaller, and has no null space that J makes.
//   - Where only JᵀJ is to be had, use Eigen with a cutoff of about 1e-14·n, or refine: compute the residual Jp + r with J
//     and solve once more for the correction with the same factor.
//   - Float32 has 7 digits, of which normal equations take all at κ(J) = 3e3.
//
// # Preconditioners
//
// CG and MINRES take M⁻¹ in Options.Preconditioner. It is to be symmetric, positive definite, and the same in each call. LSQR and
// LSMR take none: compose J with the inverse of a right factor R, and solve for y = Rp (see the example at LSQR).
//
// # Conventions
//
// Matrices are float64, in rows; in graphs they have the precision of the graph. Errors are values: an operator that
// fails, or gives NaN or an infinite number, ends the method with an error that says in which iteration, and with the x so
// far. An iteration that does not converge is no error but Outcome.Converged = false.
package linalg
