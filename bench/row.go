package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// row is the outcome of one training, a line of JSON.
type row struct {
	Problem    string  `json:"problem"`
	Method     string  `json:"method"`
	Seed       uint64  `json:"seed"`
	Seconds    float64 `json:"seconds"`
	Iterations int     `json:"iterations"`
	RelativeL2 number  `json:"relative_l2"`
	Status     string  `json:"status"`

	Title      string `json:"title"`
	Optimizer  string `json:"optimizer"`
	Network    string `json:"network"`
	Parameters int    `json:"parameters"`
	Points     string `json:"points"`
	Weights    string `json:"weights"`
	Loss       number `json:"loss"`
	Residual   number `json:"held_out_residual"`
	Message    string `json:"message"`
	Source     string `json:"source"`
	// Budget is the time that the training was given, in seconds; Overrides are flags against what the problem suggests.
	Budget    float64 `json:"budget"`
	Overrides string  `json:"overrides,omitempty"`
	// Until is the relative L2 error at which the training was to stop before its time; 0 for none.
	Until float64 `json:"until,omitempty"`
	// Warm says that compiled programs were kept, so that a training may have found them.
	Warm bool `json:"warm,omitempty"`
	// Explanation is what limits the training, in words; kept by the command problems.
	Explanation string `json:"explanation,omitempty"`
	// Events are what the optimizer decided on the way, in the order of time.
	Events []event `json:"events,omitempty"`
	// Errors are the relative L2 errors measured on the way and at the end, ErrorAt the seconds at which; kept by the
	// command accuracy.
	ErrorAt []float64 `json:"error_at,omitempty"`
	Errors  []float64 `json:"errors,omitempty"`
	// ErrorWork are the evaluations at these errors, Evaluations those in all; kept by the command levels.
	ErrorWork   []int `json:"error_work,omitempty"`
	Evaluations int   `json:"evaluations,omitempty"`

	curve curve // of a training of this process
}

// event is a decision of an optimizer.
type event struct {
	Iteration int     `json:"iteration"`
	Seconds   float64 `json:"seconds"`
	Text      string  `json:"text"`
}

// number is a float64 that JSON can hold: null where it is NaN or infinite.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	*n = number(math.NaN())
	if string(data) == "null" {
		return nil
	}
	var v float64
	err := json.Unmarshal(data, &v)
	*n = number(v)
	return err
}

// printJSON writes a row, or what holds one, as a line.
func printJSON(w io.Writer, r any) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", line)
	return err
}

// store keeps rows in a file, a line each, so that a measurement that was interrupted goes on where it stopped.
type store struct {
	path string
	rows []row
}

// longestLine is the most bytes of a row: errors of hundreds of thousands of measurements.
const longestLine = 1 << 26

// writable makes the folders of files that are written after hours, and reports whether the files can be; an empty path is none.
func writable(paths ...string) error {
	for _, path := range paths {
		if path == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("results cannot be written: %w", err)
		}
		if err := atomicfile.Check(path); err != nil {
			return fmt.Errorf("results cannot be written: %w", err)
		}
	}
	return nil
}

// openStore reads the rows of a file, if it is there.
func openStore(path string) (*store, error) {
	s := &store{path: path}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("line %d of %s is not a result: %w; remove the file to start anew", n, path, err)
		}
		s.rows = append(s.rows, r)
	}
	return s, lines.Err()
}

// find is the row of the training that wanted describes by its problem, method, seed, budget, overrides and until, if
// there is one that was measured cold or warm as this process does.
func (s *store) find(wanted row) (row, bool) {
	for _, r := range s.rows {
		if r.Problem == wanted.Problem && r.Method == wanted.Method && r.Seed == wanted.Seed && r.Budget == wanted.Budget &&
			r.Overrides == wanted.Overrides && r.Until == wanted.Until &&
			r.Warm == keepsPrograms() {
			return r, true
		}
	}
	return row{}, false
}

// add appends a row to the file.
func (s *store) add(r row) error {
	r.Warm = keepsPrograms()
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := printJSON(f, r); err != nil {
		f.Close()
		return err
	}
	s.rows = append(s.rows, r)
	return f.Close()
}
