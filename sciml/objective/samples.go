package objective

import (
	"fmt"
	"math"
)

// Samples are independent parts of a loss, such as collocation points: row n of some tensors of the data is sample n.
type Samples struct {
	// Name is for messages, Rows the number of samples.
	Name string
	Rows int
	// Data are the places in Objective.Data of the tensors whose first axis has one entry for each sample.
	Data []int
	// Scales is the place of the tensors among them, shape [Rows], whose squares weigh the samples in a sum: of a batch of
	// B rows they are multiplied by √(Rows/B), so that its loss is an unbiased estimate. Empty where the loss is a mean
	// over the samples that it is given.
	Scales []int
}

// NeedSamples reports that a method of that name cannot take samples: there are none (ErrUnsuitable), or they do not fit the data.
func (o *Objective) NeedSamples(method string) error {
	if err := o.NeedGraph(method, "samples, some of which it takes at a time"); err != nil {
		return err
	}
	if len(o.Samples) == 0 {
		return Unsuitable("objective: Objective.Samples is nil, but %s takes some of the samples at a time; expected at least one entry", method)
	}
	taken := map[int]string{}
	for _, group := range o.Samples {
		if group.Rows < 1 {
			return fmt.Errorf("objective: Objective.Samples %q has %d rows, expected at least 1", group.Name, group.Rows)
		}
		for _, place := range group.Data {
			if place < 0 || place >= len(o.Data) {
				return fmt.Errorf("objective: Objective.Samples %q names tensor %d of Data, expected 0 to %d", group.Name, place, len(o.Data)-1)
			}
			if shape := o.Data[place].Shape(); shape.Rank() < 1 || shape.Dimensions[0] != group.Rows {
				return fmt.Errorf("objective: Objective.Samples %q: tensor %d of Data has shape %s, expected %d rows", group.Name, place, shape, group.Rows)
			}
			if other, twice := taken[place]; twice {
				return fmt.Errorf("objective: tensor %d of Data belongs to Objective.Samples %q and %q, expected one of them", place, other, group.Name)
			}
			taken[place] = group.Name
		}
		for _, place := range group.Scales {
			if owner, ok := taken[place]; !ok || owner != group.Name {
				return fmt.Errorf("objective: Objective.Samples %q has tensor %d of Data in Scales, but not in Data", group.Name, place)
			}
		}
	}
	return nil
}

// NumSamples is the number of all samples.
func (o *Objective) NumSamples() int {
	total := 0
	if o == nil {
		return 0
	}
	for _, group := range o.Samples {
		total += group.Rows
	}
	return total
}

// ShareBatch shares a batch of so many samples among the groups: about the same share of each, at least one.
func (o *Objective) ShareBatch(size int) []int {
	if o == nil {
		return nil
	}
	share := min(1, float64(size)/float64(o.NumSamples()))
	sizes := make([]int, len(o.Samples))
	for g, group := range o.Samples {
		sizes[g] = max(1, int(math.Round(share*float64(group.Rows))))
	}
	return sizes
}
