package chapter

import (
	"regexp"
	"strconv"
	"strings"
)

// Numbers as people and programs write them: 0.012, 1.2e-3, 1,200, 12 %, 1.2·10⁻³, and in mathematics 1.2\cdot10^{-3}.
const (
	decimal = `(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)`
	power   = `10(?:\^\{?[-+−]?\d+\}?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)`
	// A power is tried first: of 10^{-3} the 10 alone is a number, too.
	number  = `([-+−]?)(?:(` + power + `)|(` + decimal + `)(?:[eE]([-+−]?\d+)|[ ~]*(?:\\cdot|\\times|·|×)[ ~]*(` + power + `))?)`
	percent = `((?:[ ~\x{a0}\x{202f}]|\\,)*\\?%)?`
	// What stands before a number: no letter and no other number, unless that letter ends a command, as in \approx1.2.
	boundary = `(?:^|[^\pL\d._]|\\[a-zA-Z]+)`
)

var (
	printedNumber = regexp.MustCompile(boundary + number + percent)
	quotedNumber  = regexp.MustCompile(boundary + number + percent + `\$?[*_` + "`" + `)”"]*\s*$`)
	wholeNumber   = regexp.MustCompile(`^` + number + percent + `$`)
	superscripts  = strings.NewReplacer("⁻", "-", "⁺", "+", "⁰", "0", "¹", "1", "²", "2", "³", "3", "⁴", "4", "⁵", "5", "⁶", "6", "⁷", "7", "⁸", "8", "⁹", "9")
)

// value is that of a match of one of the expressions above.
func value(m []string) float64 {
	sign, single, mantissa, exponent, factor, percent := m[1], m[2], m[3], m[4], m[5], m[6]
	plain := strings.NewReplacer("−", "-", ",", "")
	text := plain.Replace(mantissa)
	if single != "" {
		text = "1"
	}
	if p := single + factor; p != "" {
		exponent = strings.Trim(superscripts.Replace(strings.TrimPrefix(p, "10")), "^{}")
	}
	if exponent != "" {
		text += "e" + plain.Replace(exponent)
	}
	v, _ := strconv.ParseFloat(text, 64) // one too large is infinite
	if sign == "-" || sign == "−" {
		v = -v
	}
	if percent != "" {
		v /= 100
	}
	return v
}

// numberAtEnd is the number that a text ends with, also in mathematics, bold or parentheses.
func numberAtEnd(text string) (v float64, written string, ok bool) {
	if i := strings.LastIndex(text, "\n\n"); i >= 0 {
		text = text[i:]
	}
	m := quotedNumber.FindStringSubmatch(text)
	if m == nil {
		return 0, "", false
	}
	return value(m), strings.Trim(m[0], " \t\n$*_`()[”\"=≈~"), true
}

// parseNumber takes a text that is a number and nothing else.
func parseNumber(text string) (float64, bool) {
	m := wholeNumber.FindStringSubmatch(strings.Trim(text, "$ "))
	if m == nil {
		return 0, false
	}
	return value(m), true
}

// numbersIn are the numbers that a printed line holds, in their order.
func numbersIn(line string) (values []float64) {
	for _, m := range printedNumber.FindAllStringSubmatch(line, -1) {
		values = append(values, value(m))
	}
	return values
}
