package plot

import (
	"sync"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
)

// Live redraws one figure in place while something runs:
//
//	live := plot.NewLive(500 * time.Millisecond)
//	for … {
//		if live.Due() {
//			fig, err := plot.Convergence(…)
//			…
//			live.Update(fig)
//		}
//	}
//	live.Final(fig)
//
// Outside of a notebook it does nothing, and Due is always false. A saved
// notebook keeps the last frame. Methods may be called by several goroutines.
type Live struct {
	interval time.Duration
	now      func() time.Time
	display  func(id string, frame bundle) error
	active   bool

	mu   sync.Mutex
	id   string
	next time.Time
}

// NewLive returns a display that draws at most one frame per minInterval, and
// never spends more than about a tenth of the time on drawing. An interval of
// 0 or less means half a second.
func NewLive(minInterval time.Duration) *Live {
	if minInterval <= 0 {
		minInterval = 500 * time.Millisecond
	}
	return &Live{interval: minInterval, now: time.Now, display: updateCell, active: gonbui.IsNotebook}
}

func updateCell(id string, frame bundle) error {
	frame.send(id)
	return delivered("Live")
}

// Due says whether Update would draw now. It costs some ten nanoseconds: ask it
// in every iteration, and build a figure only when it says yes.
func (l *Live) Due() bool {
	if !l.active {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.now().Before(l.next)
}

// Update draws fig in place of the frame before, or does nothing if that is
// younger than the interval.
func (l *Live) Update(fig *Figure) error {
	if err := fig.check("Live.Update"); err != nil {
		return err
	}
	if !l.Due() {
		return nil
	}
	return l.frame(fig)
}

// Final draws fig always. It is the frame that a saved notebook keeps.
func (l *Live) Final(fig *Figure) error {
	if err := fig.check("Live.Final"); err != nil || !l.active {
		return err
	}
	return l.frame(fig)
}

func (l *Live) frame(fig *Figure) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	start := l.now()
	b, err := fig.bundle()
	if err != nil {
		return err
	}
	if l.id == "" {
		l.id = "gosciml-" + gonbui.UniqueId()
	}
	err = l.display(l.id, b)
	end := l.now()
	// A slow figure, or a slow notebook, stretches the interval.
	l.next = end.Add(max(l.interval, 9*end.Sub(start)))
	return err
}
