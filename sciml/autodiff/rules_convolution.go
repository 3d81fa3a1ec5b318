package autodiff

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// correctConvolutions replaces the gradient of a convolution with respect to its input where GoMLX pads it on the wrong side: for
// kernels of even size.
func correctConvolutions() {
	theirs := graph.VJPRegistration[graph.NodeTypeConvGeneral]
	graph.VJPRegistration[graph.NodeTypeConvGeneral] = func(n *graph.Node, v []*graph.Node, s shapes.Shape) []*graph.Node {
		all := theirs(n, v, s)
		if c := convolutionOf(n); c.even() && c.groups == 1 {
			all[0] = c.inputGradient(v[0])
		}
		return all
	}
}

// convolution is a ConvGeneral without dilation of its input.
type convolution struct {
	node               *graph.Node
	axes               compute.ConvolveAxesConfig
	strides, dilations []int // one for each spatial axis
	padding            []int // before the first element
	groups             int
}

func convolutionOf(n *graph.Node) convolution {
	c := convolution{node: n, axes: convolutionAxes(n), groups: integer(n, "channelGroupCount") * integer(n, "batchGroupCount")}
	spatial := len(c.axes.InputSpatial)
	c.strides, c.dilations = orOnes(integers(n, "strides"), spatial), orOnes(integers(n, "kernelDilations"), spatial)
	c.padding = make([]int, spatial)
	pairs := strings.Fields(strings.NewReplacer("[", " ", "]", " ").Replace(attribute(n, "paddings")))
	for i := range min(spatial, len(pairs)/2) {
		c.padding[i] = number(n, pairs[2*i])
	}
	return c
}

func orOnes(values []int, count int) []int {
	for len(values) < count {
		values = append(values, 1)
	}
	return values
}

var axisSetting = regexp.MustCompile(`(\w+):(\d+|\[[\d ]*\])`)

// convolutionAxes reads the axes, which are shown as a struct.
func convolutionAxes(n *graph.Node) (axes compute.ConvolveAxesConfig) {
	one := map[string]*int{"InputBatch": &axes.InputBatch, "InputChannels": &axes.InputChannels, "KernelInputChannels": &axes.KernelInputChannels,
		"KernelOutputChannels": &axes.KernelOutputChannels, "OutputBatch": &axes.OutputBatch, "OutputChannels": &axes.OutputChannels}
	many := map[string]*[]int{"InputSpatial": &axes.InputSpatial, "KernelSpatial": &axes.KernelSpatial, "OutputSpatial": &axes.OutputSpatial}
	for _, setting := range axisSetting.FindAllStringSubmatch(attribute(n, "axes"), -1) {
		if to := one[setting[1]]; to != nil {
			*to = number(n, setting[2])
		} else if to := many[setting[1]]; to != nil {
			for _, word := range strings.Fields(strings.Trim(setting[2], "[]")) {
				*to = append(*to, number(n, word))
			}
		}
	}
	return axes
}

func number(n *graph.Node, word string) int {
	v, err := strconv.Atoi(word)
	if err != nil {
		panic(fmt.Errorf("autodiff: an argument of the node %s has %q where a number is expected", n, word))
	}
	return v
}

// window is what the kernel covers along a spatial axis.
func (c convolution) window(i int) int {
	return (c.node.Inputs()[1].Shape().Dimensions[c.axes.KernelSpatial[i]]-1)*c.dilations[i] + 1
}

func (c convolution) even() bool {
	for i := range c.strides {
		if c.window(i)%2 == 0 {
			return true
		}
	}
	return false
}

// inputGradient is the convolution of v, with zeros between its elements where there are strides, with the kernel turned round.
func (c convolution) inputGradient(v *graph.Node) *graph.Node {
	x, kernel := c.node.Inputs()[0], c.node.Inputs()[1]
	axes := compute.ConvolveAxesConfig{
		InputBatch: c.axes.OutputBatch, InputChannels: c.axes.OutputChannels, InputSpatial: c.axes.OutputSpatial,
		KernelInputChannels: c.axes.KernelOutputChannels, KernelOutputChannels: c.axes.KernelInputChannels, KernelSpatial: c.axes.KernelSpatial,
		OutputBatch: c.axes.InputBatch, OutputChannels: c.axes.InputChannels, OutputSpatial: c.axes.InputSpatial,
	}
	paddings := make([][2]int, len(c.strides))
	for i, stride := range c.strides {
		spread := (v.Shape().Dimensions[c.axes.OutputSpatial[i]]-1)*stride + 1
		before := c.window(i) - 1 - c.padding[i]
		paddings[i] = [2]int{before, x.Shape().Dimensions[c.axes.InputSpatial[i]] + c.window(i) - 1 - spread - before}
	}
	ones := orOnes(nil, len(c.strides))
	return graph.ConvGeneral(v, graph.Reverse(kernel, c.axes.KernelSpatial...), axes, ones, paddings, c.strides, c.dilations, 1, 1)
}
