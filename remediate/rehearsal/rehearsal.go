package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
)

// Config is the agent that rehearses.
type Config struct {
	// Engine is what it would be started with.
	Engine engine.Config
	// Begin is what the wall clock says at the beginning; [DefaultBegin] if zero.
	Begin time.Time
	// UpFor is how long the host is up by then; [DefaultUpFor] if 0, so that it
	// has come up long since.
	UpFor time.Duration
}

// DefaultUpFor is a day: longer than any start-up grace.
const DefaultUpFor = 24 * time.Hour

// DefaultBegin is noon of a Monday, far from any change of clocks.
var DefaultBegin = time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)

// Script is what happens, each thing at a time since the beginning.
type Script struct {
	// Alerts are the words of Alertmanager, [Fires] makes them of what fires.
	Alerts []Word
	// People is what people do.
	People []Deal
	// World answers for everything else.
	World World
	// Lasts is how long it all goes on; it ends before that once nothing lives any
	// more and nothing is to come, an episode's time after.
	Lasts time.Duration
}

// Word is one alert of one notification.
type Word struct {
	At    time.Duration
	Alert alerts.Alert
	// Truncated is whether its notification had been cut.
	Truncated bool
}

// repeatEvery is how often Alertmanager says again what still fires: the default of
// repeat_interval.
const repeatEvery = 4 * time.Hour

// Fires are Alertmanager's words on an alert that fires from one time until another,
// also those in between.
func Fires(labels map[string]string, from, until time.Duration, begin time.Time) []Word {
	a := alerts.Alert{
		Status: alerts.Firing, Labels: labels, Fingerprint: alerts.FingerprintOf(labels), StartsAt: begin.Add(from).UTC(),
	}
	var words []Word
	for at := from; at < until; at += repeatEvery {
		words = append(words, Word{At: at, Alert: a})
	}
	a.Status, a.EndsAt = alerts.Resolved, begin.Add(until).UTC()
	return append(words, Word{At: until, Alert: a})
}

// Deal is what a person does.
type Deal struct {
	At time.Duration
	// Do is called at that time. Its error is the agent's answer.
	Do func(ctx context.Context, e *engine.Engine) error
}

// Told is what became of one word of Alertmanager.
type Told struct {
	At    time.Duration
	Alert alerts.Alert
	Fate  remediate.Fate
}

// Result is what came of a script.
type Result struct {
	// Events are all that the agent would have recorded, in order.
	Events []remediate.Event
	// Incidents are as they were last, in the order in which they opened.
	Incidents []remediate.Incident
	// Told is what became of each word.
	Told []Told
	// Answers are the agent's answers to what people did; nil where it was done.
	Answers []error
	// Began and Ended are the moments of its beginning and end.
	Began, Ended remediate.Instant
}

// Since is how long after the beginning an event came.
func (r Result) Since(i remediate.Instant) time.Duration { return i.Since(r.Began) }

// Run rehearses a script. The error says that the agent could not go on, which is a
// mistake in the agent.
func Run(config Config, script Script) (Result, error) {
	if script.Lasts <= 0 {
		return Result{}, errors.New("cannot rehearse a script that lasts no time")
	}
	s := newStage(config, script.World)
	defer s.close()
	s.clock.Post(s.engine.TakeUp)
	s.tick()
	for _, happens := range script.inOrder() {
		if happens.at > script.Lasts {
			break
		}
		s.clock.until(happens.at)
		happens.do(s)
	}
	s.rest(script.Lasts)
	return s.result(), s.failed
}

// happening is one thing that comes from outside.
type happening struct {
	at time.Duration
	do func(s *stage)
}

// inOrder is all that comes from outside. What comes at the same time comes in the
// script's order, alerts first.
func (script Script) inOrder() []happening {
	var all []happening
	for _, w := range script.Alerts {
		all = append(all, happening{w.At, func(s *stage) { s.takes(w) }})
	}
	for _, d := range script.People {
		all = append(all, happening{d.At, func(s *stage) { s.answers = append(s.answers, d.Do(s.ctx, s.engine)) }})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	return all
}

// stage is one rehearsal under way.
type stage struct {
	ctx      context.Context
	stop     context.CancelFunc
	clock    *clock
	engine   *engine.Engine
	began    remediate.Instant
	messages uint64
	fate     remediate.Fate
	told     []Told
	answers  []error
	failed   error
	log      log
}

func newStage(config Config, world World) *stage {
	c := &clock{}
	s := &stage{clock: c, began: remediate.Instant{
		Wall: cmp.Or(config.Begin, DefaultBegin).UTC(), Boot: "rehearsal", Up: cmp.Or(config.UpFor, DefaultUpFor),
	}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.log.last = map[remediate.ID]remediate.Incident{}
	h := hands{world, c}
	s.engine = engine.New(engine.Options{
		Config: config.Engine, Log: &s.log, World: h, Actions: h.actions(),
		Now:        func() remediate.Instant { return s.began.Add(c.now) },
		Told:       s.log.tells,
		CountAlert: func(result string) { s.fate = remediate.Fate(result) },
		Logger:     slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		Random: rand.NewChaCha8([32]byte{}), Pace: c,
	})
	return s
}

// takes hands one word to the agent.
func (s *stage) takes(w Word) {
	s.messages++
	err := s.engine.Take(s.ctx, []remediate.Arrival{{
		Alert: w.Alert, Received: s.began.Add(s.clock.now), Truncated: w.Truncated,
		Position: remediate.Position{Message: s.messages},
	}})
	if err != nil {
		s.fails(fmt.Errorf("cannot take the alert %s: %w", w.Alert.Name(), err))
	}
	s.told = append(s.told, Told{s.clock.now, w.Alert, s.fate})
}

func (s *stage) fails(err error) {
	if s.failed == nil {
		s.failed = err
	}
}

// idleTick is how often an agent's clock ticks while nothing lives: nothing that then
// depends on the time alone is about less.
const idleTick = 10 * time.Second

// tick lets the agent's clock tick from now on.
func (s *stage) tick() {
	if s.clock.closed {
		return
	}
	if err := s.engine.Tick(); err != nil {
		s.fails(err)
		return
	}
	every := idleTick
	for _, i := range s.engine.Known().Incidents {
		if i.State.Live() && i.State != remediate.Escalated {
			every = engine.TickEvery
			break
		}
	}
	s.clock.After(every, s.tick)
}

// rest lets time pass until nothing can come of it any more, or until the end.
func (s *stage) rest(end time.Duration) {
	for s.clock.now < end && !s.quiet() {
		s.clock.until(min(s.clock.now+idleTick, end))
	}
}

// quiet reports whether all has ended, and the episodes are over.
func (s *stage) quiet() bool {
	known := s.engine.Known()
	return len(known.Episodes) == 0 && len(known.Live()) == 0
}

func (s *stage) result() Result {
	r := Result{Events: s.log.events, Told: s.told, Answers: s.answers, Began: s.began, Ended: s.began.Add(s.clock.now)}
	for _, id := range s.log.order {
		i, ended := s.log.last[id]
		if live := s.engine.Known().Incidents[id]; !ended && live != nil {
			i = live.Clone()
		}
		r.Incidents = append(r.Incidents, i)
	}
	return r
}

// close ends what is under way.
func (s *stage) close() {
	s.engine.Close()
	s.stop()
	s.clock.close()
}

// log is the record of a rehearsal: in memory, and never in trouble.
type log struct {
	events []remediate.Event
	order  []remediate.ID
	last   map[remediate.ID]remediate.Incident // of those that have ended
}

var _ engine.Log = (*log)(nil)

// Append keeps an event.
func (l *log) Append(_ context.Context, e remediate.Event) error {
	l.events = append(l.events, e)
	return nil
}

// KeepEvidence keeps nothing: a rehearsal has no evidence.
func (l *log) KeepEvidence(context.Context, remediate.ID, string) (string, error) { return "", nil }

// tells keeps how incidents were when they ended.
func (l *log) tells(e remediate.Event, i *remediate.Incident) {
	if e.Opened != nil {
		l.order = append(l.order, e.Incident)
	}
	if i != nil && !i.State.Live() {
		l.last[i.ID] = i.Clone()
	}
}
