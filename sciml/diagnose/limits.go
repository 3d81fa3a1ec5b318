package diagnose

// UsualTarget is the relative error of a good training: no difference can be seen in a picture then, by far.
const UsualTarget = 1e-3

// What counts as a sign. All were set by trainings of the catalogue that fail and that do not; the tests have some of each.
const (
	// The first quarter of the time has most of the residual of a solution that did not take its initial values
	// along (reaction: 0.9, convection: 0.85, Allen–Cahn: 0.7, the wave: 0.66), and about a quarter of that of others.
	earlyTime, earlyShare = 0.25, 0.6
	// There the equation is violated by a good part of what it balances (0.25 to 2.2), others by a few hundredths (0.05 to 0.08).
	earlyDefect = 0.1
	// wrongError is an error that shows in a picture at once.
	wrongError = 0.05
	// An error of wrongError is one of another solution where residuals have fallen to this part.
	satisfied = 1e-2

	// Less may come from chance: a peak of the residual that few points meet counts once more or less.
	overfitted = 3.0

	// A term is ignored that had less than this share of the loss in the beginning (equations beside conditions of weight 100
	// have 0.01, a condition of weight 1e-6 next to nothing), has kept more than this part of itself, while the others fell to a
	// part below the last, and without weights to less than it.
	ignoredShare, ignoredKept, othersKept = 1e-4, 0.1, 1e-2

	// A loss that fell by less than this many decades in the last quarter of the iterations takes more than as many
	// iterations as there were for another half a decade; one that fell by more than the second falls fast.
	stalledFall, fastFall = 0.1, 0.3
	// fewest records tell a course.
	fewestRecords = 10
	// A steady fall is four times the mean distance of its losses from their median: below this many there is more noise than fall.
	scattered = 3.0

	// A gradient whose noise is as large as itself is the noise floor.
	noisy = 1.0

	// One rounding of θ changes a loss at the rounding floor by as much as itself, and a search that compares losses is at
	// its end sooner.
	floor, searchFloor = 0.1, 1e-4

	// An experiment of trialSteps steps of a curvature method has found a way on when the loss fell by half a decade, or by
	// more than the method would in as many iterations as it made.
	trialSteps, trialGain = 20, 0.5
	// Another start needs more of them; no training has its seed.
	startSteps, otherSeed = 3 * trialSteps, 0x616e6f74686572
	// Rounding is what hinders it where the same steps in float64 gain this many decades more, which is a factor of two.
	doubleGain = 0.3

	// A loss that ends so many times above its first value has diverged.
	grown = 100.0
)
