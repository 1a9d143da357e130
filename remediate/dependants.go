package remediate

import (
	"slices"
	"strings"
)

// Deed is a verb done to a unit.
type Deed struct {
	Do   Verb
	Unit string
}

// MarshalText writes a deed as the log names it: verb and unit.
func (d Deed) MarshalText() ([]byte, error) { return []byte(string(d.Do) + " " + d.Unit), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Deed) UnmarshalText(text []byte) error {
	do, unit, _ := strings.Cut(string(text), " ")
	*d = Deed{Verb(do), unit}
	return nil
}

// Dependants are the units that a deed takes along: they are restarted or stopped with
// it, whether anybody named them or not. What is read of a deed that takes nothing
// along is an empty list.
type Dependants map[Deed][]string

// takesAlong reports whether a verb can take other units along: what starts or stops a
// unit does, by systemd.unit(5).
func (v Verb) takesAlong() bool {
	return v == VerbRestart || v == VerbStart || v == VerbStop || v == VerbOneshot
}

// Deed is what the step does to a unit, where that can take others along.
func (s Step) Deed() (Deed, bool) {
	return Deed{s.Do, s.On.Name}, s.On.Kind == UnitKind && s.Do.takesAlong()
}

// Deeds are those of the plan's steps, each once.
func (p Plan) Deeds() []Deed {
	var deeds []Deed
	for _, rung := range p.Rungs {
		for _, s := range rung.Steps {
			if deed, ok := s.Deed(); ok && !slices.Contains(deeds, deed) {
				deeds = append(deeds, deed)
			}
		}
	}
	return deeds
}

// Of are the targets that a step takes along, by name.
func (d Dependants) Of(s Step) []Target {
	deed, ok := s.Deed()
	if !ok {
		return nil
	}
	var takes []Target
	for _, name := range slices.Sorted(slices.Values(d[deed])) {
		takes = append(takes, Unit(name))
	}
	return takes
}

// taking is the step with what it takes along. A start takes along only what can't run
// beside it, and that is stopped.
func (s Step) taking(d Dependants) Step {
	s.Takes = d.Of(s)
	if len(s.Takes) > 0 && (s.Do == VerbStart || s.Do == VerbOneshot) {
		s.Risk = max(s.Risk, Verbs[VerbStop].Risk)
	}
	return s
}

// Touches is what the step acts on, and then what it takes along.
func (s Step) Touches() []Target { return append([]Target{s.On}, s.Takes...) }

// Full is the step with what it takes along, for people.
func (s Step) Full() string {
	if len(s.Takes) == 0 {
		return s.String()
	}
	names := make([]string, len(s.Takes))
	for n, taken := range s.Takes {
		names[n] = taken.Name
	}
	return s.String() + " (takes along " + strings.Join(names, ", ") + ")"
}

// takersFirst puts each restart behind the later ones of the rung that take its unit
// along: then there is nothing left for it to do.
func takersFirst(steps []Step) {
	for n := len(steps) - 1; n >= 0; n-- {
		last := n
		for m := n + 1; m < len(steps); m++ {
			if steps[m].restarts(steps[n]) && !steps[n].restarts(steps[m]) {
				last = m
			}
		}
		s := steps[n]
		copy(steps[n:last], steps[n+1:last+1])
		steps[last] = s
	}
}

// restarts reports whether the step restarts the unit that another is to restart.
func (s Step) restarts(other Step) bool {
	return s.Do == VerbRestart && other.Do == VerbRestart && slices.Contains(s.Takes, other.On)
}

// TakenBy is the step of the rung that takes a thing along which no step names; false
// where there is none.
func (r PlannedRung) TakenBy(on Target) (Step, bool) {
	if slices.ContainsFunc(r.Steps, func(s Step) bool { return s.On == on }) {
		return Step{}, false
	}
	n := slices.IndexFunc(r.Steps, func(s Step) bool { return slices.Contains(s.Takes, on) })
	if n < 0 {
		return Step{}, false
	}
	return r.Steps[n], true
}

// Goes is the earlier step of the rung that is to restart the unit of step n along with
// its own; false where there is none.
func (r PlannedRung) Goes(n int) (with Step, ok bool) {
	for _, s := range r.Steps[:n] {
		if s.restarts(r.Steps[n]) {
			return s, true
		}
	}
	return Step{}, false
}

// takes are all that the rung's steps take along, each once.
func (r PlannedRung) takes() []Target {
	var takes []Target
	for _, s := range r.Steps {
		for _, taken := range s.Takes {
			if !slices.Contains(takes, taken) {
				takes = append(takes, taken)
			}
		}
	}
	return takes
}

// alsoAsked are the probes of what the rung takes along, beside those that are asked
// anyway: who takes a thing along has to see that it is well again.
func (r PlannedRung) alsoAsked(inv Inventory, asked []string) []string {
	var probes []string
	for _, taken := range r.takes() {
		probes = append(probes, inv.UnitProbes(taken.Name)...)
	}
	probes = unique(probes)
	return slices.DeleteFunc(probes, func(name string) bool { return slices.Contains(asked, name) })
}

// passOver leaves out the next steps of the rung whose units the step that was just
// done has restarted along with its own: nothing is restarted twice. Whether it has
// their new invocations tell.
func (i *Incident) passOver(done Started, anew map[Target]bool) {
	rung, tried := i.rung(), &i.Tried[len(i.Tried)-1]
	tried.Along = append(tried.Along, slices.DeleteFunc(slices.Clone(done.Takes), func(t Target) bool { return !anew[t] })...)
	for rung != nil && i.Step < len(rung.Steps) {
		next := rung.Steps[i.Step]
		if next.Do != VerbRestart || !slices.Contains(tried.Along, next.On) {
			return
		}
		tried.Results = append(tried.Results, Receipt{Result: Done, Detail: "it was restarted along with what it depends on"})
		i.Step++
	}
}
