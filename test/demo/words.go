package main

import (
	"fmt"
	"strings"
	"time"

	"nightshift/remediate"
)

// sayEvent tells an event of an incident, a headline and what belongs to it.
func (w *watch) sayEvent(e remediate.Event, prefix string) {
	who, tone, text, more := w.words(e)
	if text == "" {
		return
	}
	w.say(e.At.Wall, who, tone, prefix+text, more...)
}

func (w *watch) words(e remediate.Event) (who string, tone style, text string, more []string) {
	switch {
	case e.Opened != nil:
		return "incident", bold, fmt.Sprintf("%s opened by %s: playbook %s for %s", e.Incident, e.Opened.Alert.Name(), e.Opened.Playbook.Name, e.Opened.Target), nil
	case e.Joined != nil:
		return "incident", faint, joinedWords(e.Joined), nil
	case e.Planned != nil:
		return "plan", plain, ladder(e.Planned.Plan), unwell(e.Planned.Observations)
	case e.Judged != nil:
		return w.judgedWords(e.Judged)
	case e.Waited != nil:
		return "incident", yellow, "waits: " + string(e.Waited.Reason), nil
	case e.Gathered != nil:
		return "evidence", plain, "kept before anything is touched", evidenceLines(e.Gathered.Evidence)
	case e.Started != nil:
		return w.startedWords(e)
	case e.Finished != nil:
		return w.finishedWords(e.Finished)
	case e.Watched != nil:
		return "verify", plain, "the probes must stay healthy for " + seconds(w.incident.Playbook.Verify.Window), nil
	case e.Probed != nil:
		return probedWords(e.Probed.Observations)
	case e.Verified != nil:
		return "verify", outcomeTone(e.Verified.Outcome), said(e.Verified.Outcome) + ": " + e.Verified.Detail, nil
	case e.Answered != nil:
		return "approval", bold, e.Answered.By + " said " + e.Answered.Verb, []string{e.Answered.Comment}
	case e.Ended != nil:
		return "incident", endTone(e.Ended.State), fmt.Sprintf("%s (%s)", e.Ended.State, e.Ended.Reason), nil
	}
	return "incident", plain, string(e.Type), nil
}

func joinedWords(j *remediate.Joined) string {
	if j.Alert.Firing() {
		return j.Alert.Name() + " fires still: it is this incident's"
	}
	return "told that " + j.Alert.Name() + " is resolved"
}

// ladder is the rungs on one line.
func ladder(p remediate.Plan) string {
	var rungs []string
	for n, rung := range p.Rungs {
		rungs = append(rungs, fmt.Sprintf("%d. %s", n+1, rung.Name))
	}
	return strings.Join(rungs, "  ")
}

func (w *watch) judgedWords(j *remediate.Judged) (who string, tone style, text string, more []string) {
	rung := fmt.Sprintf("rung %d", j.Rung+1)
	if p := w.incident.Plan; p != nil && j.Rung < len(p.Rungs) {
		rung += ", " + p.Rungs[j.Rung].Name
	}
	v := j.Verdict
	if v.Decision == remediate.Allow {
		return "gates", green, "allow " + rung, nil
	}
	return "gates", yellow, fmt.Sprintf("%s (%s): %s", v.Decision, v.Reason, rung), []string{v.Detail}
}

func (w *watch) startedWords(e remediate.Event) (who string, tone style, text string, more []string) {
	text = e.Started.What.String() + ": the intent is durable"
	switch {
	case e.Started.Step > 0:
	case !w.yes.IsZero():
		text += fmt.Sprintf(", %d ms after the approval", e.At.Wall.Sub(w.yes).Milliseconds())
	case len(w.incident.Tried) == 1:
		text += fmt.Sprintf(", %d ms after the webhook", e.At.Since(w.incident.Received).Milliseconds())
	}
	return "step", bold, text, nil
}

// finishedWords tells what systemd or QEMU did, by its own words.
func (w *watch) finishedWords(f *remediate.Finished) (who string, tone style, text string, more []string) {
	r := f.Receipt
	by := ""
	if w.act.stage == theSite {
		by = " over D-Bus"
	}
	text = fmt.Sprintf("%s%s, in %d ms: %s", r.Result, by, r.Took.Milliseconds(), r.Detail)
	if id := r.Facts[remediate.FactInvocation]; id != "" {
		more = append(more, "InvocationID "+id)
	}
	if note := r.Facts["ResetFailed"]; note != "" {
		more = append(more, "reset-failed before: "+note)
	}
	if r.Result != remediate.Done {
		return "step", red, text, more
	}
	return "step", plain, text, more
}

func probedWords(observations []remediate.Observation) (who string, tone style, text string, more []string) {
	if bad := unwell(observations); len(bad) > 0 {
		return "probe", yellow, strings.Join(bad, "; "), nil
	}
	if len(observations) == 1 {
		return "probe", plain, observations[0].Probe + " is healthy (" + observations[0].Detail + ")", nil
	}
	return "probe", plain, fmt.Sprintf("all %d healthy", len(observations)), nil
}

// unwell are the first few probes that are not healthy.
func unwell(observations []remediate.Observation) []string {
	const most = 3
	var bad []string
	for _, o := range observations {
		if o.Health != remediate.Healthy {
			bad = append(bad, o.Probe+" is "+o.Health.String()+" ("+o.Detail+")")
		}
	}
	if more := len(bad) - most; more > 0 {
		bad = append(bad[:most], fmt.Sprintf("and %d more", more))
	}
	return bad
}

func outcomeTone(o remediate.Outcome) style {
	if o == remediate.Fixed {
		return green
	}
	return yellow
}

func endTone(s remediate.State) style {
	if s == remediate.Resolved {
		return green
	}
	return red
}

// said is an outcome as people say it.
func said(o remediate.Outcome) string { return strings.ReplaceAll(string(o), "_", " ") }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
