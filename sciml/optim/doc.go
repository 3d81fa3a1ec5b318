// Package optim minimizes smooth functions of a flat parameter vector θ, on the device that computes them.
//
// The parts, each replaceable:
//
//   - an Objective says what is minimized, as graph-building functions, or with FromFunction as plain Go code;
//   - a Direction turns a point and its gradient into a step (Adam, L-BFGS, …), also as a graph;
//   - a Search decides how far to go along it (strong Wolfe, …), on the host, from a few numbers;
//   - a Method ties them together; Hybrid chains methods;
//   - Minimize is the one run loop: stopping, history, monitoring, cancellation, the best iterate.
//
// Loss, gradient and update are compiled into one program, and θ stays on the device between iterations.
// The package knows nothing of networks or differential equations.
package optim
