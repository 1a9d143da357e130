package rehearsal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
)

// scene is the world of a test: what it says, and what its steps made of that.
type scene struct {
	begin   time.Time
	tracks  map[string]Timeline
	steps   map[string]Deeds
	images  map[string]string
	takes   map[string][]string // along, by unit
	busiest string
	times   map[string]int // how often each step was done
}

var (
	_ World   = (*scene)(nil)
	_ Burning = (*scene)(nil)
	_ Hanging = (*scene)(nil)
)

func newScene(t Test, begin time.Time) *scene {
	s := &scene{
		begin: begin, tracks: map[string]Timeline{}, steps: t.Steps, images: t.Images,
		takes: t.Dependants, busiest: t.Busiest, times: map[string]int{},
	}
	for name, changes := range t.World {
		s.tracks[name] = append(Timeline(nil), changes...)
	}
	return s
}

// The words for how things are: what a probe answers, how a unit stands, how a VM.
const (
	isHealthy   = "healthy"
	isUnhealthy = "unhealthy"
	isUnknown   = "unknown"
	isDown      = "down"
	hangs       = "hangs"

	isRunning   = "running"
	isRestarted = "restarted"
	isFailed    = "failed"
	isStopped   = "stopped"
	isSettling  = "restarting"
	isLimited   = "start-limited"
	isMissing   = "missing"
	isUnread    = "unreadable"

	isPaused   = "paused"
	isStuck    = "stuck"
	isOff      = "off"
	guestsTurn = "guests-turn"
)

var (
	probeWords = []string{isHealthy, isUnhealthy, isUnknown, isDown, hangs}
	unitWords  = []string{isRunning, isRestarted, isFailed, isStopped, isSettling, isLimited, isMissing, isUnread}
	vmWords    = []string{isRunning, isPaused, isStuck, isOff, guestsTurn, isUnread}
)

// is how something is at a time, and usual where nobody spoke of it.
func (s *scene) is(name string, at time.Duration, usual string) State {
	now := State{Word: usual}
	for _, c := range s.tracks[name] {
		if time.Duration(c.At) <= at {
			now = c.State
		}
	}
	return now
}

// change makes something so from now on, until the test itself says otherwise.
func (s *scene) change(name string, at time.Duration, to State) {
	track := s.tracks[name]
	n := 0
	for n < len(track) && time.Duration(track[n].At) <= at {
		n++
	}
	s.tracks[name] = append(track[:n:n], append(Timeline{{Moment(at), to}}, track[n:]...)...)
}

// starts counts how often a unit or VM was started anew until then.
func (s *scene) starts(name string, at time.Duration) int {
	n := 0
	for _, c := range s.tracks[name] {
		if c.Word == isRestarted && time.Duration(c.At) <= at {
			n++
		}
	}
	return n
}

// Probe is what the test says of the probe; what it says nothing of is healthy, and
// the state of a unit or a VM is as that stands.
func (s *scene) Probe(name string, at time.Duration) Answer {
	usual := State{Word: isHealthy}
	if unit, ok := remediate.ProbedUnit(name); ok {
		usual = probeOf(s.is(unit, at, isRunning))
	} else if vm, ok := remediate.ProbedVM(name); ok {
		usual = probeOf(s.is(vm, at, isRunning))
	}
	said := usual
	if _, ok := s.tracks[name]; ok {
		said = s.is(name, at, usual.Word)
	}
	return said.answer()
}

// answer is a probe's.
func (s State) answer() Answer {
	a := Answer{Detail: s.Detail}
	switch s.Word {
	case isHealthy:
		a.Health = remediate.Healthy
	case isUnhealthy:
		a.Health = remediate.Unhealthy
	case isDown:
		a.Health, a.Down = remediate.Unhealthy, true
	case hangs:
		a.Takes = time.Hour
	}
	if a.Detail == "" {
		a.Detail = "the test says " + s.Word
	}
	return a
}

// probeOf is what the probe of a unit's or VM's own state answers.
func probeOf(s State) State {
	detail := strings.TrimSpace("it is " + s.Word + " " + s.Detail)
	switch s.Word {
	case isRunning, isRestarted, guestsTurn:
		return State{isHealthy, detail}
	case isUnread:
		return State{isUnknown, detail}
	case isOff:
		return State{isDown, detail}
	}
	return State{isUnhealthy, detail}
}

// Situation is how a unit or a VM stands.
func (s *scene) Situation(on remediate.Target, at time.Duration) remediate.Situation {
	if on.Kind == remediate.HostKind {
		return remediate.Situation{Known: true, Exists: true, Active: true, StartsLeft: -1}
	}
	word := s.is(on.Name, at, isRunning).Word
	if word == isUnread {
		return remediate.Situation{Detail: "the test says that it can't be read"}
	}
	situation := remediate.Situation{
		Known: true, Exists: word != isMissing, State: word, StartsLeft: -1,
		Active:       word != isFailed && word != isStopped && word != isMissing && word != isLimited && word != isOff,
		StoppedByJob: word == isStopped, Settling: word == isSettling, GuestActs: word == guestsTurn,
		Invocation: fmt.Sprintf("start %d of %s", 1+s.starts(on.Name, at), on.Name),
	}
	if word == isLimited {
		situation.StartsLeft = 0
	}
	return situation
}

// Machine is how a VM stands, and the images there are: all, boot-proved, unless the
// test says otherwise.
func (s *scene) Machine(vm string, asked *remediate.Asked, at time.Duration) remediate.Machine {
	state := s.is(vm, at, isRunning)
	m := remediate.Machine{
		Alive: state.Word != isOff && state.Word != isUnread, Paused: state.Word == isPaused, State: state.Word,
		Images: map[remediate.Source]remediate.Image{}, Lacks: map[remediate.Source]string{},
	}
	for _, source := range sources {
		grade, said := s.images[string(source)]
		if grade == noImage {
			m.Lacks[source] = "the test says that there is none"
			continue
		}
		if !said {
			grade = string(remediate.BootProved)
		}
		image := remediate.Image{Name: string(source), Digest: "of " + string(source), Taken: s.begin, From: map[string]string{"system": "before"}}
		if asked != nil && asked.Checkpoint != "" && source == remediate.WasAsked {
			image.Name = asked.Checkpoint
		}
		if grade != unproved {
			image.Grade = remediate.Grade(grade)
		}
		m.Images[source] = image
	}
	return m
}

// Busiest is the unit that the test names.
func (s *scene) Busiest(time.Duration) remediate.Busy {
	return remediate.Busy{Unit: s.busiest, Why: "the test says so"}
}

// Dependants are those that the test names, and what these take along in turn.
func (s *scene) Dependants(deed remediate.Deed, _ time.Duration) ([]string, error) {
	var along []string
	for next := s.takes[deed.Unit]; len(next) > 0; {
		unit := next[0]
		next = next[1:]
		if unit != deed.Unit && !slices.Contains(along, unit) {
			along = append(along, unit)
			next = append(next[:len(next):len(next)], s.takes[unit]...)
		}
	}
	return along, nil
}

// noImage and unproved are words for an image, beside the grades.
const (
	noImage  = "none"
	unproved = "unproved"
)

var (
	sources    = []remediate.Source{remediate.LastKnownGood, remediate.BeforeSwap, remediate.SetAside, remediate.WasAsked, remediate.ToBeMade}
	imageWords = []string{string(remediate.BootProved), string(remediate.WasHealthy), unproved, noImage}
)

// Do is what the test says of the step; one that it says nothing of is done at once.
// What was started runs then, and what was stopped does not, unless the test says how
// it is.
func (s *scene) Do(step remediate.Step, _ time.Duration) Deed {
	said := s.said(step)
	result := said.Result
	d := Deed{Result: result, Detail: said.Detail, Takes: said.Takes, NotDone: said.Refused, InDoubt: said.Doubt}
	d.Then = func(at time.Duration) {
		if word := leaves[step.Do]; word != "" && (result == "" || result == remediate.Done) {
			if word == isRestarted && step.On.Kind == remediate.VMKind {
				word = isRunning
			}
			s.change(step.On.Name, at, State{Word: word})
			along, _ := s.Dependants(remediate.Deed{Unit: step.On.Name}, at)
			for _, unit := range along {
				s.change(unit, at, State{Word: word})
			}
		}
		for name, to := range said.Then {
			s.change(name, at, to)
		}
	}
	return d
}

// leaves is how a step leaves what it was done on.
var leaves = map[remediate.Verb]string{
	remediate.VerbRestart: isRestarted, remediate.VerbStart: isRestarted, remediate.VerbStop: isStopped,
	remediate.VerbCont: isRunning, remediate.VerbReset: isRunning, remediate.VerbBoot: isRunning, remediate.VerbPowerDown: isOff,
}

// said is what the test says of this time that a step is done.
func (s *scene) said(step remediate.Step) deed {
	key := stepKey(step)
	deeds := s.steps[key]
	n := s.times[key]
	s.times[key]++
	if len(deeds) == 0 {
		return deed{}
	}
	return deeds[min(n, len(deeds)-1)]
}

// stepKey names a step as a test does: its verb and on what.
func stepKey(step remediate.Step) string { return string(step.Do) + " " + step.On.Name }
