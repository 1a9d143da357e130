package rehearsal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// Report is what came of one test.
type Report struct {
	Name string
	// Differences are what was expected otherwise; none if all is as expected.
	Differences []Difference
	Result      Result
}

// Difference is one thing that is not as a test expects.
type Difference struct {
	// Incident counts from 1; 0 is none of them.
	Incident int    `json:"incident,omitzero"`
	Field    string `json:"field"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Expected string `json:"expected"`
	Found    string `json:"found"`

	at *strict.Error
}

// Error is the place, what is expected and what was found, and the line.
func (d Difference) Error() string { return d.at.Error() }

// Run rehearses every test of a file that was checked.
func (s *Suite) Run(k Known) ([]Report, error) {
	var reports []Report
	for n, t := range s.Tests {
		report, err := s.run(n, t, k)
		if err != nil {
			return reports, fmt.Errorf("cannot rehearse %q: %w", t.Name, err)
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (s *Suite) run(n int, t Test, k Known) (Report, error) {
	config := Config{Engine: k.Config, Begin: cmp.Or(t.Begin.Time, DefaultBegin), UpFor: t.Up}
	config.Engine.Mode = cmp.Or(t.Mode, remediate.Act)
	script := Script{World: newScene(t, config.Begin), Lasts: t.length()}
	for _, a := range t.Alerts {
		until := script.Lasts + time.Second // it fires on
		if a.Until != nil {
			until = time.Duration(*a.Until)
		}
		script.Alerts = append(script.Alerts, Fires(a.Labels, time.Duration(a.At), until, config.Begin)...)
	}
	for _, p := range t.People {
		script.People = append(script.People, Deal{At: time.Duration(p.At), Do: p.do})
	}
	result, err := Run(config, script)
	if err != nil {
		return Report{}, err
	}
	c := &comparison{suite: s, at: strict.Item("tests", n), result: result}
	c.people(t)
	c.incidents(t.Expect)
	return Report{Name: t.Name, Differences: c.differences, Result: result}, nil
}

// comparison holds what came to what was expected.
type comparison struct {
	suite       *Suite
	at          string
	result      Result
	incident    int
	differences []Difference
}

// differs notes a difference at a field, or where that is missing at what holds it.
func (c *comparison) differs(path, expected, found string) {
	field := strings.TrimPrefix(path, c.at+".")
	e := c.suite.reading.At(path, fmt.Sprintf("\n    expected  %s\n    found     %s", expected, found))
	c.differences = append(c.differences, Difference{
		Incident: c.incident, Field: field, Line: e.Line, Column: e.Column, Expected: expected, Found: found, at: e,
	})
}

// people compares the agent's answers. Who comes too late is not answered at all.
func (c *comparison) people(t Test) {
	inTime := slices.DeleteFunc(slices.Clone(t.People), func(p Request) bool { return time.Duration(p.At) > t.length() })
	slices.SortStableFunc(inTime, func(a, b Request) int { return cmp.Compare(a.At, b.At) })
	for n, p := range inTime {
		expected, found := p.asExpected(c.result.Answers[n])
		if expected == found {
			continue
		}
		where := slices.IndexFunc(t.People, func(q Request) bool { return q == p })
		c.differs(strict.Item(strict.Join(c.at, "people"), where), expected, found)
	}
}

// incidents compares each with what is expected of it.
func (c *comparison) incidents(expected []Expected) {
	at := strict.Join(c.at, "expect")
	for n, e := range expected {
		c.incident = n + 1
		path := strict.Item(at, n)
		if n >= len(c.result.Incidents) {
			c.differs(path, "an incident of "+e.Playbook, "none")
			continue
		}
		c.one(e, newStory(c.result, n), path)
	}
	c.incident = 0
	for _, i := range c.result.Incidents[min(len(expected), len(c.result.Incidents)):] {
		c.differs(at, "no more incidents", fmt.Sprintf("one of %s about %s, opened at %s", i.Playbook.Name, i.Target, c.since(i.OpenedAt)))
	}
}

// one compares one incident, field by field.
func (c *comparison) one(e Expected, s story, path string) {
	i := s.incident
	same := func(name, expected, found string) {
		if field := strict.Join(path, name); c.suite.reading.Has(field) && expected != found {
			c.differs(field, orNone(expected), orNone(found))
		}
	}
	moment := func(name string, expected *Moment, found remediate.Instant) {
		if expected != nil {
			same(name, strict.Spell(time.Duration(*expected)), c.since(found))
		}
	}
	same("playbook", e.Playbook, i.Playbook.Name)
	same("target", e.Target, i.Target.String())
	moment("opened", e.Opened, i.OpenedAt)
	same("ladder", strings.Join(e.Ladder, ", "), strings.Join(s.ladder, ", "))
	same("verdicts", strings.Join(e.Verdicts, ", "), strings.Join(s.verdicts, ", "))
	same("steps", strings.Join(e.Steps, ", "), strings.Join(s.steps, ", "))
	same("rungs", climbs(e.Rungs), climbs(s.rungs))
	same("escalated", string(e.Escalated), string(s.escalated))
	same("outcome", string(e.Outcome), outcomeText(i, e))
	same("reason", string(e.Reason), string(i.Reason))
	if over := i.Since; e.Ended != nil {
		moment("ended", e.Ended, over)
	}
	if took := i.Since.Since(i.OpenedAt); e.Within > 0 && took > e.Within {
		same("within", "at most "+strict.Spell(e.Within), took.String())
	}
}

// outcomeText is the state, and where that is not the expected one also why.
func outcomeText(i remediate.Incident, e Expected) string {
	if i.State == e.Outcome {
		return string(i.State)
	}
	text := string(i.State)
	for _, more := range []string{string(i.Reason), i.Detail} {
		if more != "" {
			text += ": " + more
		}
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func climbs(rungs []Climb) string {
	texts := make([]string, len(rungs))
	for n, r := range rungs {
		texts[n] = r.Rung + " " + orNone(string(r.Outcome))
	}
	return strings.Join(texts, ", ")
}

func (c *comparison) since(i remediate.Instant) string {
	return strict.Spell(c.result.Since(i).Round(time.Millisecond))
}

// story is what the events say of one incident.
type story struct {
	incident  remediate.Incident
	ladder    []string
	verdicts  []string
	steps     []string
	rungs     []Climb
	escalated remediate.Reason
}

func newStory(r Result, n int) story {
	s := story{incident: r.Incidents[n]}
	for _, tried := range s.incident.Tried {
		s.rungs = append(s.rungs, Climb{tried.Name, tried.Outcome})
	}
	for _, e := range r.Events {
		if e.Incident == s.incident.ID {
			s.hears(e)
		}
	}
	return s
}

func (s *story) hears(e remediate.Event) {
	switch {
	case e.Planned != nil && s.ladder == nil:
		for _, rung := range e.Planned.Plan.Rungs {
			s.ladder = append(s.ladder, rung.Name)
		}
	case e.Judged != nil:
		verdict := strings.TrimSpace(string(e.Judged.Verdict.Decision) + " " + string(e.Judged.Verdict.Reason))
		if len(s.verdicts) == 0 || s.verdicts[len(s.verdicts)-1] != verdict {
			s.verdicts = append(s.verdicts, verdict)
		}
	case e.Started != nil:
		s.steps = append(s.steps, e.Started.What.String())
	case e.Type == remediate.IncidentEscalated && s.escalated == "":
		s.escalated = e.Ended.Reason
	}
}
