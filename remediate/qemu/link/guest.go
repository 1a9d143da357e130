package link

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Guest is the end inside a virtual machine.
type Guest struct {
	// Open opens the port, [OpenPort] or a test's own. It is called again when the
	// line has ended.
	Open func() (Stream, error)
	// Status says how the agent stands now. With an error the guest stays silent,
	// which tells the host just that.
	Status func(ctx context.Context) (Status, error)
	// StandAside makes durable that the host has its turn; the host hears of it
	// once it returns. The same order is not given twice in a row.
	StandAside func(ctx context.Context, lasts time.Duration, reason string) error
	// Every is how often Status is asked and said: [Every] if it is zero.
	Every time.Duration
	Log   *slog.Logger
}

// within bounds what the agent inside may take to answer.
const within = 5 * time.Second

// Run speaks with the host until ctx ends.
func (g *Guest) Run(ctx context.Context) {
	every := g.Every
	if every == 0 {
		every = Every
	}
	s := speaker{Guest: *g, every: every}
	for ctx.Err() == nil {
		stream, err := g.Open()
		s.opens.news(g.Log, err)
		if err == nil {
			s.speak(ctx, stream) // an end is nothing to tell: the host may be restarted at any time
		}
		pause(ctx, openAgain)
	}
}

// speaker is a guest that speaks, over one line after the other.
type speaker struct {
	Guest
	every time.Duration
	// last is the order that was made durable last.
	last string
	// opens and says are what goes wrong, each said once.
	opens, says trouble
}

// trouble is an error that lasts.
type trouble struct{ text string }

// news logs an error that is another one than before.
func (t *trouble) news(log *slog.Logger, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != t.text && text != "" {
		log.Warn("the host of this virtual machine hears nothing of this agent", slog.String("err", text))
	}
	t.text = text
}

// speak uses one line until it ends, and waits for both of its directions.
func (s *speaker) speak(ctx context.Context, stream Stream) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { stream.Close() })
	defer stop()
	l := newLine(stream)
	var talking sync.WaitGroup
	talking.Go(func() { defer cancel(); s.report(ctx, l) })
	_ = l.listen(ctx, func(m message) { s.obey(ctx, l, m) })
	cancel()
	stream.Close()
	talking.Wait()
}

// report says how the agent stands, now and each time that it is due.
func (s *speaker) report(ctx context.Context, l *line) {
	for ctx.Err() == nil {
		if !s.reportOnce(ctx, l) {
			return
		}
		pause(ctx, s.every)
	}
}

// reportOnce returns false when the line has ended.
func (s *speaker) reportOnce(ctx context.Context, l *line) bool {
	asking, done := context.WithTimeout(ctx, within)
	defer done()
	status, err := s.Status(asking)
	if ctx.Err() != nil {
		return false
	}
	s.says.news(s.Log, err)
	if err != nil {
		return true
	}
	return l.say(ctx, message{Status: &status}) == nil
}

// obey does an order, and answers it. An order that comes again was done, and only
// its answer was lost.
func (s *speaker) obey(ctx context.Context, l *line, m message) {
	if m.Order == nil {
		return
	}
	answer := done{ID: m.Order.ID}
	if m.Order.ID != s.last {
		bounded, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		if err := s.StandAside(bounded, m.Order.lasts(), m.Order.Reason); err != nil {
			answer.Error = "it could not be made durable: " + err.Error()
		} else {
			s.last = m.Order.ID
		}
	}
	_ = l.say(ctx, message{Done: &answer}) // the host asks again
}
