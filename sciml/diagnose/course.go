package diagnose

import (
	"cmp"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/optim"
)

// course is how a loss went.
type course struct {
	records     []optim.Record // of all samples
	first, best float64        // losses
	last        float64        // the median over the last eighth of the iterations
	fall        float64        // decades to there from the same a quarter of the iterations before
	iterations  int
	batch       int     // samples that the last steps saw; 0 for all
	scatter     float64 // of the logarithm of the last losses around their median, in decades
	phase       string  // the method at the end
	enough      bool    // whether there is enough to tell
}

func courseOf(h *optim.History) course {
	c := course{first: math.NaN(), best: math.Inf(1), last: math.NaN()}
	for _, r := range h.Records {
		if r.Batch > 0 || math.IsNaN(r.Loss) || math.IsInf(r.Loss, 0) {
			continue
		}
		c.records = append(c.records, r)
		c.best = math.Min(c.best, r.Loss)
	}
	if n := len(h.Records); n > 0 {
		end := h.Records[n-1]
		c.iterations, c.phase = end.Iteration, end.Phase
		for _, r := range h.Records[n-(n+3)/4:] { // measurements of all samples are between the batches
			c.batch = max(c.batch, r.Batch)
		}
	}
	if len(c.records) == 0 {
		return c
	}
	c.first = c.records[0].Loss
	c.enough = len(c.records) >= fewestRecords && c.records[len(c.records)-1].Loss > 0 && c.best > 0
	end := float64(c.records[len(c.records)-1].Iteration)
	c.last = medianLoss(c.between(7*end/8, end))
	if !c.enough {
		return c
	}
	c.fall = math.Log10(medianLoss(c.between(5*end/8, 6*end/8)) / c.last)
	quarter := c.between(6*end/8, end)
	middle := medianLoss(quarter)
	for _, r := range quarter {
		c.scatter += math.Abs(math.Log10(r.Loss/middle)) / float64(len(quarter))
	}
	return c
}

// between are the records of some iterations, or the first after them.
func (c *course) between(from, to float64) []optim.Record {
	first, _ := slices.BinarySearchFunc(c.records, from, func(r optim.Record, at float64) int { return cmp.Compare(float64(r.Iteration), at) })
	last := first + 1
	for last < len(c.records) && float64(c.records[last].Iteration) <= to {
		last++
	}
	return c.records[first:last]
}

func medianLoss(records []optim.Record) float64 {
	losses := make([]float64, len(records))
	for i, r := range records {
		losses[i] = r.Loss
	}
	slices.Sort(losses)
	return losses[len(losses)/2]
}

// stopped reports whether a run ended by itself, and not by a limit.
func stopped(s optim.Status) bool {
	switch s {
	case optim.LossReached, optim.GradientSmall, optim.SearchFailed, optim.Stationary:
		return true
	}
	return false
}
