package guard

import (
	"slices"
	"time"

	"nightshift/remediate"
)

// maintenance and silenced leave to people what people say that they have. Who asks
// for something knows of both.
func maintenance(f Facts) (remediate.Verdict, bool) {
	return say(ReasonMaintenance, "it is maintenance: %s", f.Maintenance), f.Maintenance != "" && !f.Asked
}

func silenced(f Facts) (remediate.Verdict, bool) {
	if f.Silence == nil || f.Asked {
		return remediate.Verdict{}, false
	}
	return say(ReasonSilenced, "%s silenced the alert: %s", f.Silence.By, f.Silence.Comment), true
}

// sourceAgain is the pause before it is asked again whether a source is heard.
const sourceAgain = 10 * time.Second

// source lets nothing begin for an alert whose source fell silent: it can't say any
// more that the trouble is over. What was begun goes on by its probes.
func source(f Facts) (remediate.Verdict, bool) {
	v := say(ReasonSourceSilent, "nothing is heard of %s, where the alert comes from", f.SilentSource)
	v.Until = f.Now.Add(sourceAgain)
	return v, f.SilentSource != "" && !f.Begun && !f.Asked
}

// startingUp gives what starts with the host the time to come up by itself.
func startingUp(f Facts) (remediate.Verdict, bool) {
	left := f.StartupGrace - f.Now.Up
	v := say(ReasonStartingUp, "the host booted %s ago, and nothing begins within %s", f.Now.Up.Round(time.Second), f.StartupGrace)
	v.Until = f.Now.Add(left)
	return v, left > 0 && !f.Asked
}

// storm lets nothing begin while much is broken at once: what broke it is not what
// the alerts are about. A rung under way goes on.
func storm(f Facts) (remediate.Verdict, bool) {
	if f.Storm == nil || f.Climbing || f.Asked {
		return remediate.Verdict{}, false
	}
	v := say(ReasonStorm, "%s", f.Storm.Why)
	v.Quiet = f.StormTold
	return v, true
}

// rates bound what is done in a time, however that time is laid.
func rates(f Facts) (remediate.Verdict, bool) {
	for _, w := range f.Windows {
		if w.New > 0 && w.Made+w.New > w.Max && !f.Asked {
			return say(ReasonRate, "%s: %d of %d attempts were made in %s, and this would be %d more", w.Of, w.Made, w.Max, w.Per, w.New), true
		}
	}
	return remediate.Verdict{}, false
}

func breaker(f Facts) (remediate.Verdict, bool) {
	if len(f.Breakers) == 0 || f.Asked {
		return remediate.Verdict{}, false
	}
	b := f.Breakers[0]
	return say(ReasonBreaker, "the breaker of %s is open: %s; `nightshift breaker close %s` when it is mended", b.Key(), b.Why, b.Key()), true
}

// flapping leaves to people what comes back again and again: acting on it does not
// help. What was begun goes on, and what a person handed back.
func flapping(f Facts) (remediate.Verdict, bool) {
	flaps := f.Flapping.Max > 0 && f.Flaps >= f.Flapping.Max
	return say(ReasonFlapping, "it began to fire %d times in %s", f.Flaps, f.Flapping.Per), flaps && !f.Begun && !f.Asked
}

// groupAgain is the pause before the units of a group are asked again.
const groupAgain = 10 * time.Second

// minHealthy keeps enough units of a group up. One that is down already takes nothing
// away.
func minHealthy(f Facts) (remediate.Verdict, bool) {
	for _, g := range f.Groups {
		left := g.Healthy - g.Takes
		switch {
		case g.Takes == 0 && g.Unsure == 0 || left >= g.Min || f.Asked:
		case g.Takes == 0 || left+g.Unknown >= g.Min:
			v := say(ReasonGroupUnreadable, "%d of %s are healthy for sure, and %d have to stay so", g.Healthy, g.Name, g.Min)
			v.Until = f.Now.Add(groupAgain)
			return v, true
		default:
			return say(ReasonMinHealthy, "it would leave %d of %s healthy, and %d have to stay so", max(left, 0), g.Name, g.Min), true
		}
	}
	return remediate.Verdict{}, false
}

// takesDown reports whether a step interrupts what it is done to, or what it takes
// along.
func takesDown(s remediate.Step) bool {
	return s.Do == remediate.VerbRestart || s.Do == remediate.VerbStop || len(s.Takes) > 0
}

// GroupOf is how many units of a group would be taken away by steps of a rung. What is
// restarted is down one after the other, but for what is taken along, which is down with
// it; what is stopped stays down.
func GroupOf(name string, group remediate.ManagedGroup, steps []remediate.Step, health map[string]remediate.Health) Group {
	g := Group{Name: name, Min: group.MinHealthy}
	for _, unit := range group.Units {
		switch health[unit] {
		case remediate.Healthy:
			g.Healthy++
		case remediate.Unknown:
			g.Unknown++
		}
	}
	down, stopped, unsure := 0, map[string]bool{}, map[string]bool{}
	for _, step := range steps {
		if !takesDown(step) {
			continue
		}
		atOnce := 0
		for _, on := range step.Touches() {
			in := on.Kind == remediate.UnitKind && slices.Contains(group.Units, on.Name)
			starts := on == step.On && step.Do != remediate.VerbStop && step.Do != remediate.VerbRestart
			switch {
			case !in || starts:
			case health[on.Name] == remediate.Unknown:
				unsure[on.Name] = true
			case health[on.Name] != remediate.Healthy:
			case step.Do == remediate.VerbRestart:
				atOnce++
			default:
				stopped[on.Name] = true
			}
		}
		down = max(down, atOnce)
	}
	g.Unsure, g.Takes = len(unsure), len(stopped)+down
	return g
}
