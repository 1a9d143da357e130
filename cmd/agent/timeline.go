package main

import (
	"fmt"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// teller writes one event after the other. What it has told decides what later
// ones need not say again.
type teller struct {
	screen      screen
	opened      remediate.Instant
	allEvidence bool

	day  string
	plan remediate.Plan
	step string // the step that was begun last
}

// told is one event in words: a headline, and what belongs to it.
type told struct {
	head  piece
	lines []string
}

func (t *teller) tell(entry oncall.Entry) {
	at := entry.At.Wall.Local()
	if day := at.Format(time.DateOnly); t.day == "" {
		t.day = day
	} else if day != t.day {
		t.day = day
		t.screen.line(in(bold, day))
	}
	words := t.words(entry)
	t.screen.line(in(faint, at.Format(time.TimeOnly)), say(fmt.Sprintf("  %8s  ", "+"+span(entry.At.Since(t.opened)))), words.head)
	for _, line := range words.lines {
		t.screen.line(say(indent + line))
	}
}

// indent brings what belongs to an event beneath its headline.
const indent = "                      "

// words says an event.
func (t *teller) words(entry oncall.Entry) told {
	e := entry.Event
	switch {
	case e.Opened != nil:
		return t.sayOpened(*e.Opened)
	case e.Joined != nil:
		return sayJoined(*e.Joined)
	case e.Planned != nil:
		return t.sayPlanned(*e.Planned)
	case e.Judged != nil:
		return t.sayJudged(*e.Judged)
	case e.Waited != nil:
		return sayWaited(*e.Waited)
	case e.Gathered != nil:
		return t.sayGathered(*e.Gathered)
	case e.Started != nil:
		return t.sayStarted(*e.Started)
	case e.Finished != nil:
		return t.sayFinished(*e.Finished)
	case e.Watched != nil:
		return sayWatched(*e.Watched)
	case e.Probed != nil:
		return sayProbed(*e.Probed)
	case e.Verified != nil:
		return sayVerified(*e.Verified)
	case e.Answered != nil:
		return told{head: in(bold, reasoned(e.Answered.By+" said "+e.Answered.Verb, "", oneLine(e.Answered.Comment)))}
	case e.Acknowledged != nil:
		return sayAcknowledged(*e.Acknowledged)
	case e.Paged != nil:
		return sayPaged(*e.Paged)
	case e.Ended != nil:
		return sayEnded(*e.Ended)
	}
	return told{head: say(string(entry.Type))}
}

func (t *teller) sayOpened(o remediate.Opened) told {
	w := told{head: in(bold, "opened by alert "+orDash(o.Alert.Name()))}
	if o.Asked != nil {
		w.head = in(bold, "asked "+askedText(*o.Asked))
	}
	for _, name := range []string{"summary", "description"} {
		if text := o.Alert.Annotations[name]; text != "" {
			w.lines = append(w.lines, name+": "+oneLine(text))
		}
	}
	if o.Truncated || o.Alert.Truncated {
		w.lines = append(w.lines, "the notification or the alert was cut: not everything was seen")
	}
	if o.Waits != "" {
		w.lines = append(w.lines, "incident "+string(o.Waits)+" has the same target and comes first")
	}
	if o.Follows != "" {
		w.lines = append(w.lines, "takes up what incident "+string(o.Follows)+" ended")
	}
	return w
}

func sayJoined(j remediate.Joined) told {
	what := " fires"
	if !j.Alert.Firing() {
		what = " has ended"
	}
	if j.Hangs {
		what += " and hangs on this incident"
	}
	return told{head: say("alert " + orDash(j.Alert.Name()) + what)}
}

func (t *teller) sayPlanned(p remediate.Planned) told {
	t.plan = p.Plan
	w := told{head: say("plan of " + count(len(p.Plan.Rungs), "rung") + ", digest " + short(p.Plan.Digest))}
	for n, rung := range p.Plan.Rungs {
		w.lines = append(w.lines, fmt.Sprintf("%d. %s: %s (%s)", n+1, rung.Name, stepNames(rung), rung.Risk()))
	}
	for _, lacks := range p.Plan.LeftOut {
		w.lines = append(w.lines, "left out: "+oneLine(lacks))
	}
	w.lines = append(w.lines, unwell(p.Observations)...)
	return w
}

// short is the beginning of a digest that people compare.
func short(digest string) string { return digest[:min(len(digest), 12)] }

// unwell are the observations that are not healthy, a line each.
func unwell(observations []remediate.Observation) []string {
	var lines []string
	for _, o := range observations {
		if o.Health != remediate.Healthy {
			lines = append(lines, reasoned(o.Probe+" is "+o.Health.String(), "", oneLine(o.Detail)))
		}
	}
	return lines
}

// rungName says which rung is meant.
func (t *teller) rungName(n int) string {
	if n >= len(t.plan.Rungs) {
		return fmt.Sprintf("rung %d", n+1)
	}
	return fmt.Sprintf("rung %d, %s", n+1, t.plan.Rungs[n].Name)
}

func (t *teller) sayJudged(j remediate.Judged) told {
	v := j.Verdict
	of := t.rungName(j.Rung)
	if j.BeforeEffect {
		of += ", directly before step " + fmt.Sprint(j.Step+1)
	}
	switch v.Decision {
	case remediate.Allow:
		return told{head: say("the gates allow " + of)}
	case remediate.Wait:
		until := ""
		if !v.Until.IsZero() {
			until = " until " + v.Until.Wall.Local().Format(time.TimeOnly)
		}
		return told{head: in(yellow, reasoned("wait"+until, string(v.Reason), oneLine(v.Detail))), lines: []string{of}}
	}
	return told{head: in(red, reasoned(string(v.Decision), string(v.Reason), oneLine(v.Detail))), lines: []string{of}}
}

func sayWaited(w remediate.Waited) told {
	text := "waits"
	if w.On != "" {
		text += " for the end of incident " + string(w.On)
	}
	if !w.Until.IsZero() {
		text += " until " + w.Until.Wall.Local().Format(time.TimeOnly)
	}
	return told{head: in(yellow, reasoned(text, string(w.Reason), ""))}
}

func (t *teller) sayStarted(s remediate.Started) told {
	t.step = s.What.String()
	text := "begins " + t.step + " (" + t.rungName(s.Rung) + ")"
	if s.Again {
		text += ", once more: it had been interrupted and had not happened"
	}
	return told{head: in(bold, text)}
}

func (t *teller) sayFinished(f remediate.Finished) told {
	if t.step == "" {
		t.step = "step"
	}
	text := t.step + ": " + string(f.Receipt.Result)
	if f.Receipt.Took > 0 {
		text += " in " + span(f.Receipt.Took)
	}
	tone := plain
	if f.Receipt.Result != remediate.Done {
		tone = red
	}
	w := told{head: in(tone, text), lines: textLines(f.Receipt.Detail)}
	switch {
	case f.NotDone:
		w.lines = append(w.lines, "after a restart of the agent: it had certainly not happened")
	case f.Recovered:
		w.lines = append(w.lines, "read from the world after a restart of the agent")
	}
	return w
}

func sayWatched(w remediate.Watched) told {
	if w.Only != "" {
		return told{head: say(reasoned("verifies and does nothing more", string(w.Only), ""))}
	}
	return told{head: say("verifies")}
}

func sayProbed(p remediate.Probed) told {
	worst := remediate.Worst(p.Observations)
	return told{head: in(healthStyle(worst), "the probes say "+worst.String()), lines: unwell(p.Observations)}
}

func sayVerified(v remediate.Verified) told {
	return told{head: in(outcomeStyle(v.Outcome), reasoned(outcomeWords(v.Outcome), "", oneLine(v.Detail)))}
}

func sayAcknowledged(a remediate.Acknowledged) told {
	text := a.By + " has taken it"
	switch {
	case a.Claimed:
		text += ", says a silence in Alertmanager"
	case a.Mute:
		text += ", and the alert is silenced meanwhile"
	}
	w := told{head: in(bold, reasoned(text, "", oneLine(a.Comment)))}
	if !a.Until.IsZero() {
		w.lines = append(w.lines, "until "+moment(a.Until.Wall)+", then people are called again")
	}
	return w
}

func sayPaged(p remediate.Paged) told {
	text := fmt.Sprintf("people are called: level %d", p.Level+1)
	if p.Again {
		text += ", once more"
	}
	return told{head: in(red, text)}
}

func sayEnded(e remediate.Ended) told {
	w := told{head: in(stateStyle(e.State), reasoned(string(e.State), string(e.Reason), oneLine(e.Detail)))}
	if e.By != "" {
		w.lines = append(w.lines, reasoned("by "+e.By, "", oneLine(e.Comment)))
	}
	return w
}

// textLines are the lines of a text; an empty one has none.
func textLines(text string) []string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
