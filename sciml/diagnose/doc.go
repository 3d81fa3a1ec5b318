// Package diagnose answers what makes a loss hard to minimize, in numbers, for any objective.Objective:
//
//	Hessian, GaussNewton, Kernel     a symmetric matrix at one θ, known by its products; Preconditioned gives CᵀAC beside it
//	Matrix.Spectrum                  all eigenvalues, of a matrix that fits into memory
//	Matrix.Quadrature                the spectrum of a large one, by stochastic Lanczos quadrature, with error bars
//	Spectrum                         extremes and condition, counts, densities, effective dimension, outliers
//	NewTangentKernel                 the kernel of residuals in full: which of their modes gradient descent learns when
//	LossAlong, Plane.Surface         slices of the loss: along a line, and in a plane
//	RandomPlane, PathPlane           planes to look at: a random one, or that of a run's path; Plane.Project puts paths on it
//	ProbeStep                        what a step does, next to what linear and quadratic models say of it
//	Conflicts                        whether the gradients of the terms of a loss pull in the same direction
//	NoiseBySize                      how noisy the gradients of batches are
//	ByFrequency                      a function, such as an error, taken apart by frequency
//	Explain                          what limits a training, in words, from its history and some experiments
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
