package remediate

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// probed takes one answer of the probes.
func (d *decision) probed(observations []Observation) {
	i := &d.incident
	switch {
	case i.State == Verifying && d.now.Since(i.Watch.Started) >= i.Playbook.Verify.Settle:
		d.saw(observations)
		d.concludes(observations)
	case i.State == Escalated && i.Intent == nil:
		d.saw(observations)
		d.recovered()
	}
}

// saw records what the probes say when it is news.
func (d *decision) saw(observations []Observation) {
	if w := d.incident.Watch; w == nil || changed(w.Last, observations) {
		d.record(Event{Type: IncidentProbed, Probed: &Probed{Observations: observations}})
	}
}

// concludes ends the verification once the probes have shown enough. Not fixed
// goes on with the next rung at once: a glimpse of health now would only begin
// the same verification again.
func (d *decision) concludes(observations []Observation) {
	i := &d.incident
	verify, boots := i.verify()
	outcome, detail := i.Watch.judge(verify, boots, d.now, observations)
	if why := i.unlimited(); outcome == Fixed && why != "" {
		outcome, detail = NotFixed, why
	}
	if outcome == "" {
		return
	}
	d.record(Event{Type: VerifyFinished, Verified: &Verified{
		Rung: i.Rung, Outcome: outcome, Observations: observations, Detail: detail,
	}})
	if i.State == Open && (i.Firing || i.Rung > 0) {
		d.next = &Effect{WantJudge, d.now}
	}
}

// verify is how the present verification goes. Where a VM boots, unhealthy says
// nothing until it may have booted, and there are two windows more to see that it
// stays so.
func (i *Incident) verify() (v Verify, boots time.Duration) {
	v = i.Playbook.Verify
	if rung := i.rung(); rung != nil && i.climbing() != nil {
		boots = rung.Boots
	}
	v.Within = max(v.Within, boots+2*v.Window)
	return v, boots
}

// unlimited says why limits that a person asked for are not as they asked: units that
// are healthy can't tell whether they have them.
func (i *Incident) unlimited() string {
	rung, tried := i.rung(), i.climbing()
	if i.Asked == nil || rung == nil || tried == nil {
		return ""
	}
	for n, receipt := range tried.Results {
		if n < len(rung.Steps) && rung.Steps[n].Profile != "" && receipt.Result != Done {
			return cmp.Or(receipt.Detail, fmt.Sprintf("%s: %s", rung.Steps[n], receipt.Result))
		}
	}
	return ""
}

// recovered ends an incident that people have once it is healthy for its window
// and the alert is gone. Where there is no probe to ask, the alert is all there is
// to go by.
func (d *decision) recovered() {
	i := &d.incident
	gone := !i.Firing || i.Asked != nil && len(i.Holds) == 0 || d.now.Since(i.Heard) >= episodeGone
	lasts := d.now.Since(i.Watch.Since) >= i.Playbook.Verify.Window
	switch {
	case !gone || !lasts:
	case i.Watch.Worst == Healthy:
		d.record(d.end(Cleared, ReasonHealthy, "healthy again, and the alert is gone"))
	case len(i.Probes()) == 0:
		d.record(d.end(Cleared, ReasonAlertGone, "the alert is gone, and there is no probe to ask"))
	}
}

// judge says what the probes have shown: the same answer for a whole window
// decides. Healthy that did not last is not fixed; unknown decides nothing until
// the verification's own end, nor unhealthy while a VM may still boot. What is down is
// not fixed at once: a VM whose QEMU was killed does not boot any more. It is said in the
// words of the newest answers: those that were recorded may be of long ago.
func (w *Watch) judge(v Verify, boots time.Duration, now Instant, newest []Observation) (Outcome, string) {
	same := now.Since(w.Since)
	over := now.Since(w.Started) >= v.Within
	switch {
	case slices.ContainsFunc(newest, func(o Observation) bool { return o.Down }):
		return NotFixed, worstDetail(newest)
	case w.Worst == Healthy && same >= v.Window:
		return Fixed, fmt.Sprintf("healthy for %s", v.Window)
	case w.Broke && w.Worst == Unhealthy:
		return NotFixed, "healthy for a moment only; " + worstDetail(newest)
	case w.Worst == Unhealthy && now.Since(w.Started) >= boots && (same >= v.Window || over):
		return NotFixed, worstDetail(newest)
	case w.Worst == Unknown && over:
		return Inconclusive, "the probes could not tell: " + worstDetail(newest)
	}
	return "", ""
}

// worstDetail names the first probe that is not healthy and what it saw.
func worstDetail(observations []Observation) string {
	worst := Worst(observations)
	for _, o := range observations {
		if o.Health == worst {
			return Brief(o.Probe + ": " + o.Detail)
		}
	}
	return ""
}

// changed reports whether any probe gives another answer than before.
func changed(before, after []Observation) bool {
	return !slices.EqualFunc(before, after, func(a, b Observation) bool {
		return a.Probe == b.Probe && a.Health == b.Health
	})
}

// probeIn is how long until the probes are asked again: at once in a
// verification that has not asked yet.
func (i *Incident) probeIn(now Instant) time.Duration {
	if len(i.Watch.Last) == 0 && now.Since(i.Watch.Started) < i.Playbook.Verify.Settle {
		return 0
	}
	return i.Playbook.Verify.Every
}

// Intruder is why nothing more may be tried after the rung that was just
// climbed: somebody else took a step of it back.
func (i *Incident) Intruder() Reason {
	rung := i.climbing()
	if rung == nil {
		return ""
	}
	for _, receipt := range rung.Results {
		if receipt.Result == Canceled {
			return ReasonPersonAtWork
		}
	}
	return ""
}
