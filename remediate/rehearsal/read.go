package rehearsal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// Parse reads a file of tests. The name is what errors call it. What is wrong comes as
// [strict.Errors], all at once; whether the inventory has what the tests name is for
// [Suite.Check].
func Parse(name string, text []byte) (*Suite, error) {
	s := &Suite{}
	r, ok := strict.Read(strict.File{
		Name: name, What: "test file", Noun: "a test file", Begin: "docs/playbook-tests.md has one to begin with",
	}, text, s)
	s.reading = r
	if ok {
		s.check()
	}
	return s, r.Err()
}

// check finds what is wrong with the file alone.
func (s *Suite) check() {
	r := s.reading
	r.Need("", "inventory", "a path relative to this file, or builtin:rave")
	r.Need("", "tests", "a list of tests")
	seen := map[string]bool{}
	for n, t := range s.Tests {
		at := strict.Item("tests", n)
		r.Need(at, "name", "what the test shows, in a few words")
		r.Need(at, "expect", "the incidents that come of it, in their order; [] for none")
		if seen[t.Name] {
			r.Wrong(strict.Join(at, "name"), "there is a test of that name already")
		}
		seen[t.Name] = true
		s.checkWhatHappens(t, at)
		for i, e := range t.Expect {
			s.checkExpected(e, strict.Item(strict.Join(at, "expect"), i))
		}
	}
}

func (s *Suite) checkWhatHappens(t Test, at string) {
	r := s.reading
	if len(t.Alerts)+len(t.People) == 0 && r.Wrongs() == 0 {
		r.Fail(r.Holder(at), at, "nothing happens in this test: give it `alerts`, or `people`")
	}
	for i, a := range t.Alerts {
		alert := strict.Item(strict.Join(at, "alerts"), i)
		r.Need(alert, "at", "when it begins to fire, 0s for the beginning")
		if _, ok := a.Labels["alertname"]; !ok {
			r.Need(strict.Join(alert, "labels"), "alertname", "the name of the alert")
		}
		if a.Until != nil && *a.Until <= a.At {
			r.Wrong(strict.Join(alert, "until"), "expected a time after %s, when it begins to fire", strict.Spell(time.Duration(a.At)))
		}
	}
	for i, p := range t.People {
		s.checkRequest(p, strict.Item(strict.Join(at, "people"), i))
	}
	for step, deeds := range t.Steps {
		for i, d := range deeds {
			if path := deedPath(at, step, i, r); d.Result != "" && !slices.Contains(remediate.Results, d.Result) {
				r.Wrong(path, "%s is no result%s", strict.Quote(string(d.Result)), strict.HintOrAll(string(d.Result), words(remediate.Results)))
			}
		}
	}
}

// deedPath is where what comes of a step stands: its result, if that is said.
func deedPath(at, step string, n int, r *strict.Reading) string {
	path := strict.Join(strict.Join(at, "steps"), step)
	if item := strict.Item(path, n); r.Has(item) {
		path = item
	}
	if result := strict.Join(path, "result"); r.Has(result) {
		return result
	}
	return path
}

func (s *Suite) checkRequest(p Request, at string) {
	r := s.reading
	r.Need(at, "at", "when, 0s for the beginning")
	r.Need(at, "does", "one of "+strict.OneOf(requests))
	r.Need(at, "who", "the name of a person")
	if p.Does != "" && !slices.Contains(requests, p.Does) {
		r.Wrong(strict.Join(at, "does"), "%s is nothing that people do%s", strict.Quote(p.Does), strict.HintOrAll(p.Does, requests))
	}
	if p.Does == doesRun {
		r.Need(at, "playbook", "the name of the playbook to run")
		r.Need(at, "target", "what it is about: vm:NAME or unit:NAME")
	}
}

func (s *Suite) checkExpected(e Expected, at string) {
	r := s.reading
	r.Need(at, "playbook", "whose incident it is")
	r.Need(at, "outcome", "its last state, one of "+strict.OneOf(states()))
	if e.Outcome != "" && !slices.Contains(states(), string(e.Outcome)) {
		r.Wrong(strict.Join(at, "outcome"), "%s is no state%s", strict.Quote(string(e.Outcome)), strict.HintOrAll(string(e.Outcome), states()))
	}
}

// states are all that an incident can be in.
func states() []string {
	return words(slices.Concat(remediate.EndedStates, remediate.LiveStates))
}

func words[W ~string](of []W) []string {
	texts := make([]string, len(of))
	for n, w := range of {
		texts[n] = string(w)
	}
	return texts
}

// UnmarshalText reads a moment: 0s, 90s, 1h30m.
func (m *Moment) UnmarshalText(text []byte) error {
	d, err := strict.ParseDelay(string(text))
	*m = Moment(d)
	return err
}

// UnmarshalText reads a date as RFC 3339 writes it.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("cannot read date %q: expected one like 2026-01-05T12:00:00Z", text)
	}
	return nil
}

// UnmarshalText reads a word, and behind it what is seen.
func (s *State) UnmarshalText(text []byte) error {
	word, detail, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	s.Word, s.Detail = word, strings.TrimSpace(detail)
	return nil
}

// ReadYAML reads one state, or a mapping from moments to states.
func (t *Timeline) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	if node.Kind != yaml.MappingNode {
		var c Change
		r.Into(node, &c.State, path)
		*t = Timeline{c}
		return
	}
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		var c Change
		if err := c.At.UnmarshalText([]byte(key.Value)); err != nil {
			r.Fail(key, path, "%s", err)
			return
		}
		r.Into(value, &c.State, strict.Join(path, key.Value))
		*t = append(*t, c)
	})
	slices.SortStableFunc(*t, func(a, b Change) int { return int(a.At - b.At) })
}

// ReadYAML reads one deed or a list of them; a word alone is its result.
func (d *Deeds) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	nodes, each := []*yaml.Node{node}, func(int) string { return path }
	if node.Kind == yaml.SequenceNode {
		nodes, each = node.Content, func(n int) string { return strict.Item(path, n) }
	}
	for n, node := range nodes {
		var one deed
		if node.Kind == yaml.ScalarNode {
			r.Into(node, (*string)(&one.Result), each(n))
		} else {
			r.Into(node, &one, each(n))
		}
		*d = append(*d, one)
	}
}

// ReadYAML reads {RUNG: OUTCOME}.
func (c *Climb) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	found := 0
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		found++
		c.Rung = key.Value
		var outcome string
		r.Into(value, &outcome, strict.Join(path, key.Value))
		c.Outcome = remediate.Outcome(outcome)
		if all := words(remediate.Outcomes); outcome != "" && !slices.Contains(all, outcome) {
			r.Fail(value, path, "%s is no outcome%s", strict.Quote(outcome), strict.HintOrAll(outcome, all))
		}
	})
	if found != 1 && node.Kind == yaml.MappingNode {
		r.Fail(node, path, "expected one rung with what came of it, {restart nginx: fixed}, found %d", found)
	}
}
