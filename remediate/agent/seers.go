package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/probe"
)

// seer is a probe that also shows what it is about, as evidence.
type seer interface {
	Sees() remediate.Sight
	See(ctx context.Context) (string, error)
}

// seersOf are the names of the probes that give a kind of evidence: the one that a
// look names, or all of them.
func (w *world) seersOf(look remediate.Look) []string {
	var names []string
	for name, p := range *w.probes.Load() {
		if s, ok := p.(seer); ok && s.Sees() == look.What && (look.Of == "" || look.Of == name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// seeByProbes asks those probes.
func (w *world) seeByProbes(ctx context.Context, look remediate.Look) remediate.Evidence {
	seen := remediate.Evidence{Look: look}
	names := w.seersOf(look)
	if len(names) == 0 {
		seen.Error = fmt.Sprintf("no probe of the inventory shows the %s", look.What)
		return seen
	}
	var all strings.Builder
	var errs []error
	for _, name := range names {
		text, err := (*w.probes.Load())[name].(seer).See(ctx)
		errs = append(errs, err)
		if text != "" {
			fmt.Fprintf(&all, "%s\n%s", name, text)
		}
	}
	seen.Text = all.String()
	if err := errors.Join(errs...); err != nil {
		seen.Error = remediate.Brief(err.Error())
	}
	return seen
}

// seeHost takes a piece of evidence of the host as a whole; ok is whether the look
// is one.
func (w *world) seeHost(ctx context.Context, look remediate.Look) (seen remediate.Evidence, ok bool) {
	switch look.What {
	case remediate.SeeMemory:
		return w.sights.Memory(look), true
	case remediate.SeeProcesses:
		return w.sights.Processes(ctx, look), true
	case remediate.SeeCPU:
		return w.load.See(ctx, look), true
	case remediate.SeeDisks:
		return w.sights.Disks(ctx, look), true
	case remediate.SeeNetwork:
		return w.sights.Network(look), true
	case remediate.SeeFirewall:
		return w.sights.Firewall(look), true
	case remediate.SeeCertificate, remediate.SeeDatabase:
		return w.seeByProbes(ctx, look), true
	}
	return remediate.Evidence{}, false
}

// Busiest is the unit that uses most of the processors, if it is one of the
// inventory's.
func (w *world) Busiest(ctx context.Context) remediate.Busy {
	return w.load.Busiest(ctx, func(unit string) bool { return slices.Contains(w.listed(), unit) })
}

// watchedLoad is the time of the processors as a sampler: who is busiest over a
// while is known only if somebody looked all the time.
type watchedLoad struct{ *probe.Load }

// Probe takes a sample; nobody reads its answer.
func (l watchedLoad) Probe(ctx context.Context) remediate.Observation {
	if _, err := l.Sample(ctx); err != nil {
		return remediate.Observation{Detail: remediate.Brief(err.Error())}
	}
	return remediate.Observation{Health: remediate.Healthy}
}

// newLoad watches this host, over the longest window of the inventory's playbooks, and
// over no more than what a window is that the inventory does not give.
func newLoad(file *inventory.File) *probe.Load {
	span := time.Duration(0)
	for _, p := range file.Playbooks {
		span = max(span, cmp.Or(p.Verify.Window, remediate.DefaultWindow))
	}
	span = min(cmp.Or(span, remediate.DefaultWindow), remediate.DefaultWindow)
	return probe.NewLoad(probe.Root(), span, time.Now)
}
