package chapter

import (
	"regexp"
	"strconv"
	"strings"
)

// Box is what stands at the head of a chapter, in a quotation below the title:
//
//	> What a loss made of a differential equation is, and what its weights do.
//	>
//	> **Afterwards you can**
//	>
//	> - state a boundary-value problem as a loss in three ways;
//	> - …
//	>
//	> **You should know** what a gradient is, and chapter 01.
//	>
//	> **It takes** 2 minutes on two cores and 600 MB of memory.
//
// What the chapter does not say is empty.
type Box struct {
	Summary string   // its first sentences, for the list of chapters
	Goals   []string // what the reader can do afterwards
	Needs   string   // what the reader should know before
	Minutes float64  // that the cells take on two cores
	Memory  float64  // of the cells' programs at most, in bytes
}

var (
	timeInBox   = regexp.MustCompile(`(\d+(?:\.\d+)?|an?|one|two|three|four|five)\s+(seconds?|minutes?)`)
	memoryInBox = regexp.MustCompile(`(\d+(?:\.\d+)?)\s*(MB|GB)`)
	inWords     = map[string]float64{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
)

// boxOf reads the quotation that follows the title of a chapter.
func boxOf(text string) Box {
	var b Box
	_, text, _ = strings.Cut(text, "\n")
	var paragraphs []string
	fresh := true
	for line := range strings.Lines(strings.TrimLeft(text, "\n")) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), ">")
		if !ok {
			break
		}
		line = strings.TrimSpace(comment.ReplaceAllString(line, ""))
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			fresh = true
			continue
		case fresh || item.MatchString(line):
			paragraphs = append(paragraphs, line)
		default:
			paragraphs[len(paragraphs)-1] += " " + line
		}
		fresh = false
	}
	for _, p := range paragraphs {
		lower := strings.ToLower(p)
		time, memory := timeInBox.FindStringSubmatch(lower), memoryInBox.FindStringSubmatch(p)
		switch {
		case item.MatchString(p):
			b.Goals = append(b.Goals, strings.TrimRight(item.ReplaceAllString(p, ""), ".;,"))
		case time != nil && memory != nil:
			b.Minutes = amount(time[1])
			if strings.HasPrefix(time[2], "second") {
				b.Minutes /= 60
			}
			b.Memory = amount(memory[1]) * map[string]float64{"MB": 1e6, "GB": 1e9}[memory[2]]
		case strings.Contains(lower, "should know") || strings.Contains(lower, "before"):
			b.Needs = p
		case b.Summary == "" && len(b.Goals) == 0 && !strings.Contains(lower, "afterwards"):
			b.Summary = strings.Trim(p, "*_")
		}
	}
	return b
}

func amount(text string) float64 {
	if v, ok := inWords[text]; ok {
		return v
	}
	v, _ := strconv.ParseFloat(text, 64)
	return v
}
