package faults

import (
	"slices"
	"strings"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
	"nightshift/test/stage"
)

// wantStarts holds that since so many starts the machine was started so often by hand,
// with the host where that was rebooted, by the agent at most as often as the log has
// it and at least once where it was mended, and never beside a QEMU that ran.
func (r *rollbackRun) wantStarts(from, byHand int, f fault, story oncall.Story) {
	starts := r.Host.VMStarts(r.t)[from:]
	most := byHand + f.starts() + boots(story)
	wrong := len(starts) > most
	for n, s := range starts {
		again := slices.ContainsFunc(starts[:n], func(other stage.VMStart) bool { return other.Invocation == s.Invocation })
		wrong = wrong || again || s.Beside > 0
	}
	if story.Incident.State == remediate.Resolved && len(starts) <= byHand {
		r.errorf("the machine came back, and its unit has noted no start: %v", starts)
	}
	if wrong {
		r.tally.double++
		r.errorf("the machine was started %d times, want at most %d, each alone: %v", len(starts), most, starts)
	}
}

// boots counts the boots that the log has.
func boots(story oncall.Story) int {
	count, boot := 0, false
	for _, e := range story.Entries {
		if s := e.Event.Started; s != nil {
			if boot = s.What.Do == remediate.VerbBoot; boot {
				count++
			}
		}
		if f := e.Event.Finished; f != nil && f.NotDone && boot {
			count--
		}
	}
	return count
}

// wantKept holds that what ran before is still there: put aside, where the disks were
// exchanged, and else as it was.
func (r *rollbackRun) wantKept(was string, story oncall.Story) {
	if r.overlay() != was {
		name := r.putAside(was)
		if name == "" {
			r.tally.lost++
			r.errorf("%s is neither in use nor aside:\n%v", was, r.live())
			return
		}
		r.aside = append(r.aside, name)
		r.wantSound(name)
	}
	for _, e := range story.Entries {
		if f := e.Event.Finished; f != nil && f.Receipt.Facts["aside"] != "" && f.Receipt.Facts["aside"] != "system="+was {
			r.errorf("a receipt says that %s was put aside, want %s", f.Receipt.Facts["aside"], was)
		}
	}
}

// putAside is the name under which an overlay was put aside; empty if it was not.
func (r *rollbackRun) putAside(was string) string {
	found, err := r.VM.Aside()
	if err != nil {
		r.fatal("%v", err)
	}
	n := slices.IndexFunc(found, func(name string) bool {
		return strings.HasPrefix(name, strings.TrimSuffix(was, ".qcow2")+".aside-")
	})
	if n < 0 {
		return ""
	}
	return found[n]
}

// keptAside is how many of what was put aside the inventory has kept, at the least.
const keptAside = 100

// wantAllAside holds that all that was put aside is there at the end, as far as the
// inventory keeps it.
func (r *rollbackRun) wantAllAside() {
	found := r.live()
	for _, name := range r.aside[max(0, len(r.aside)-keptAside):] {
		if !slices.Contains(found, name) {
			r.tally.lost++
			r.errorf("%s was put aside and is gone", name)
		}
	}
}

func (r *rollbackRun) live() []string {
	found, err := r.VM.Live()
	if err != nil {
		r.fatal("%v", err)
	}
	return found
}

// wantSound holds that an image is sound by qemu-img check, or has leaks at the
// worst. One that QEMU has open it stops before.
func (r *rollbackRun) wantSound(name string) {
	status, err := r.VM.CheckLive(r.t.Context(), name)
	if err != nil {
		r.fatal("%v", err)
	}
	if status != 0 && status != 3 {
		r.errorf("qemu-img check of %s ends with %d, want 0 or 3", name, status)
	}
}
