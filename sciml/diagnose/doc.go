// Package diagnose answers what makes a loss hard to minimize, in numbers, for any objective.Objective:
//
//	Hessian, GaussNewton, Kernel     a symmetric matrix at one θ, known by its products; Preconditioned gives CᵀAC beside it
//	Matrix.Spectrum                  all eigenvalues, of a matrix that fits into memory
//	Matrix.Quadrature                the spectrum of a large one, by stochastic Lanczos quadrature, with error bars
//	Spectrum                         extremes and condition, counts, densities, effective dimension, outliers
//	NewTangentKernel                 the kernel of residuals in full: which of their modes gradient descent learns when
//
// An objective is f = ‖r‖² with the Jacobian J of r, so that ∇f = 2Jᵀr. The Gauss–Newton matrix is 2JᵀJ and the tangent kernel
// Θ = 2JJᵀ, with the weights of the loss and its 1/√N within J: both have the same eigenvalues other than zero, and a step α of
// gradient descent leaves of the part of r along the eigenvector qᵢ of Θ the (1 − αλᵢ)-fold, to first order in α.
//
// Everything is at one θ and for the data that the objective has then. A context that is given to a constructor ends whatever is
// asked of what it made, with the error of the context. Random vectors come from the seeds that are given. What an objective
// cannot answer is an error in which errors.Is finds objective.ErrUnsuitable, and a matrix that does not fit into memory one with
// objective.ErrTooLarge.
package diagnose
