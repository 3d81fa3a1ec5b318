// Package optim minimizes smooth functions of a flat parameter vector θ, on the device that computes them.
//
// The parts, each replaceable:
//
//   - an objective.Objective says what is minimized, as graph-building functions or as plain Go code;
//   - a Direction turns a point and its gradient into a step (Adam, L-BFGS, …), also as a graph;
//   - a search.Search decides how far to go along it (strong Wolfe, …), on the host, from a few numbers;
//   - a Method ties them together, and Start makes a Stepper of it, the method at work; Hybrid chains methods;
//   - Minimize is the one run loop: stopping, history, monitoring, cancellation, the best iterate.
//
// Loss, gradient and update are compiled into one program, and θ stays on the device between iterations.
// The package knows nothing of networks or differential equations.
//
// # A method of one's own
//
// FixedStep and LineSearch make a method of a Direction: see the example of FixedStep. A Direction that compares its point with
// the one before is a Rebaser, too. What cannot be said as a Direction is a Method with a Stepper of its own, which may also be
// a Restarter, a Relocator or a Stopper, and then can do more within other methods.
//
// # What happens when the objective or the iterate changes
//
// During a run the data of the objective can be replaced, and methods that have others work for them move those to other
// places. Who is told, and what is kept:
//
//	call               on               when                                  the iterate   what was learned   losses seen
//	Adapter.Adapt      the objective    points or weights are due to move     –             –                  –
//	Stepper.Refresh    the method       after that                            stays         is kept            are forgotten
//	Relocate           a Relocator      another method has moved the iterate  is another    is kept            are forgotten
//	Restart            a Restarter      the variables are others              is another    is forgotten       are forgotten
//	Rebase             a Rebaser        within Refresh and Relocate           –             is kept            are forgotten
//
// “What was learned” are moments, curvature, a damping or a trust region. Rebase is for what compares a point with the one
// before it: that one was of another function, or elsewhere.
package optim
