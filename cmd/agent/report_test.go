package main

import (
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
)

// handedOver is an incident that people took, spoke about and closed.
func handedOver() []remediate.Event {
	return append(highMemory()[:10],
		remediate.Event{Type: remediate.IncidentEscalated, At: after(200), Ended: &remediate.Ended{
			State: remediate.Escalated, Reason: "attempts_spent", Detail: "3 of 3 attempts in 1h",
		}},
		remediate.Event{Type: remediate.IncidentPaged, At: after(200), Paged: &remediate.Paged{}},
		remediate.Event{Type: remediate.IncidentPaged, At: after(500), Paged: &remediate.Paged{Again: true}},
		remediate.Event{Type: remediate.IncidentAcknowledged, At: after(620), Acknowledged: &remediate.Acknowledged{
			By: "alice", Comment: "on it | <img src=x>", Mute: true, At: after(620), Until: after(620 + 1800),
		}},
		remediate.Event{Type: remediate.IncidentEnded, At: after(900), Ended: &remediate.Ended{
			State: remediate.Closed, Reason: remediate.ReasonClosed, By: "alice", Comment: "mended by hand, see https://wiki.example/`x`",
		}},
	)
}

func TestAReportOfARepair(t *testing.T) {
	r := reportOf(story(t, highMemory()...))
	golden(t, "report-repaired.golden", r.markdown())
}

func TestAReportOfWhatPeopleMended(t *testing.T) {
	r := reportOf(story(t, handedOver()...))
	golden(t, "report-people.golden", r.markdown())
	if r.ToAcknowledge == nil || *r.ToAcknowledge != 7*time.Minute || r.ToFix != nil || r.ToAct == nil || *r.ToAct != 12*time.Second {
		t.Errorf("times: to act %v, to acknowledge %v, to fix %v; want 12s, 7m, none", r.ToAct, r.ToAcknowledge, r.ToFix)
	}
}

func TestTextInAReportIsOnlyText(t *testing.T) {
	for text, want := range map[string]string{
		"rave_high_memory_usage":       "rave_high_memory_usage",
		"_all_ of *it*":                `\_all\_ of \*it\*`,
		"a | b\nc":                     `a \| b c`,
		"<script>&amp;":                "&lt;script&gt;&amp;amp;",
		"[x](https://evil.example)":    `\[x\](https:\//evil.example)`,
		"`rm -rf`":                     "\\`rm -rf\\`",
		"@team, see #12":               `&#64;team, see \#12`,
		"back\\slash \x1b[2J\u202etxt": "back\\\\slash \ufffd\\[2J\ufffdtxt",
	} {
		if got := escaped(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestEvidenceCantEndItsFence(t *testing.T) {
	var m markdown
	m.fenced([]string{"before", "```", "# a heading?", "````"})
	if want := "`````text\nbefore\n```\n# a heading?\n````\n`````\n"; m.text.String() != want {
		t.Errorf("%q, want %q", m.text.String(), want)
	}
}

func TestAReportIsOfOneLineForEachEvent(t *testing.T) {
	page := new(strings.Builder)
	r := reportOf(story(t, handedOver()...))
	page.WriteString(r.markdown())
	for _, line := range strings.Split(page.String(), "\n") {
		if strings.Contains(line, "alice has taken it") && !strings.HasPrefix(line, "| 12:10:20 | +10m 20s |") {
			t.Errorf("the acknowledgement is told as %q", line)
		}
	}
}
