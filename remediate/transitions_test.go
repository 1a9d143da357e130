package remediate_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
)

// diagram reads the lines "State ──► State …" of State's doc comment.
func diagram(t *testing.T) map[State][]State {
	file, err := parser.ParseFile(token.NewFileSet(), "incident.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[State][]State{}
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.TYPE || d.Specs[0].(*ast.TypeSpec).Name.Name != "State" {
			continue
		}
		for line := range strings.Lines(d.Doc.Text()) {
			if from, to, ok := strings.Cut(line, "──►"); ok {
				drawn[state(from)] = states(to)
			}
		}
	}
	return drawn
}

// state is the state of that name: the names are those of the constants.
func state(name string) State { return State(strings.ToLower(strings.TrimSpace(name))) }

func states(names string) (all []State) {
	for _, name := range strings.Fields(names) {
		all = append(all, state(name))
	}
	return all
}

func TestTheDiagramIsTheTable(t *testing.T) {
	drawn := diagram(t)
	if !maps.EqualFunc(drawn, Transitions, slices.Equal) {
		t.Errorf("the diagram shows\n%v\nand the table holds\n%v", drawn, Transitions)
	}
	known := append(slices.Clone(LiveStates), EndedStates...)
	for from, to := range Transitions {
		for _, s := range append(to, from) {
			if !slices.Contains(known, s) {
				t.Errorf("%s is no state", s)
			}
		}
	}
	for _, s := range EndedStates {
		if len(Transitions[s]) > 0 || s.Live() {
			t.Errorf("%s is not the end", s)
		}
	}
}

// menu is every kind of input once, with the time that passes before it.
func menu(plan Plan) (inputs []Input, pauses []time.Duration) {
	add := func(after time.Duration, in Input) { inputs, pauses = append(inputs, in), append(pauses, after) }
	for _, h := range []Health{Unknown, Healthy, Unhealthy} {
		add(0, Input{Looked: &Looked{Observations: seen(h), Verify: 1, Plan: plan}})
		add(6*time.Second, Input{Probed: seen(h)})
		add(time.Minute, Input{Probed: seen(h)})
	}
	for _, v := range []Verdict{
		{Decision: Allow}, {Decision: Hold, Reason: "h"}, {Decision: Wait, Reason: "w", On: "BBBB2222"},
		{Decision: Refuse, Reason: "e", Next: Escalated}, {Decision: Refuse, Reason: "o", Next: Observed},
		{Decision: Refuse, Reason: "s", Next: Suppressed}, {Decision: Refuse, Reason: ReasonPersonAtWork, Next: Verifying},
	} {
		add(0, Input{Judged: &Judgement{Verdict: v}})
		add(0, Input{Prepared: &Prepared{Judgement: Judgement{Verdict: v}}})
	}
	add(0, Input{Acted: &Acted{Receipt: Receipt{Result: Done}}})
	for _, verb := range []string{PersonCloses, PersonResumes, PersonApproves, PersonDenies, PersonCancels, PersonAcks, PersonComments} {
		said := Said{Verb: verb, Approves: Rollback, Seen: seen(Healthy)}
		if len(plan.Rungs) > 0 {
			said.Plan = plan.Rungs[0].Digest
		}
		add(0, Input{Said: &said})
	}
	add(0, Input{Said: &Said{Verb: PersonCloses, Force: true}})
	add(20*time.Minute, Input{Woken: true})
	add(2*DefaultDeadline, Input{Woken: true})
	return inputs, pauses
}

// explored is what tells two lives apart, as far as it leads to other transitions.
func explored(i Incident) string {
	worst := Health(-1)
	if i.Watch != nil {
		worst = i.Watch.Worst
	}
	return fmt.Sprint(i.State, i.Rung, i.Step, i.Intent != nil, i.Climbing(), i.Firing, worst, i.Plan != nil, i.Approved != "", i.Asked != nil, i.WatchOnly)
}

// TestEveryTransitionIsTaken tries every input in every situation that inputs lead
// to, and finds that the table has no transition which nothing takes.
func TestEveryTransitionIsTaken(t *testing.T) {
	p := threeRungs()
	p.Ladder = p.Ladder[:2]
	first := begin(t, p)
	asked := askedFor(t, Playbook{Name: "keep", Ladder: []Rung{{Name: "keep", Do: []Move{{Do: VerbCheckpoint, On: theVM}}}}})
	watched := begin(t, p)
	watched.i.WatchOnly = true
	other := first.plan
	other.Rungs, other.Digest = other.Rungs[:1], "another"
	taken, known := map[[2]State]bool{}, map[string]bool{}
	for todo := []*life{first, asked, watched}; len(todo) > 0; todo = todo[1:] {
		l := todo[0]
		if key := explored(l.i); known[key] || !l.i.State.Live() {
			continue
		} else {
			known[key] = true
		}
		next := func(then func(*life)) {
			c := &life{t: t, i: l.i.Clone(), now: l.now, plan: l.plan, taken: taken}
			then(c)
			todo = append(todo, c)
		}
		for _, plan := range []Plan{l.plan, other} {
			inputs, pauses := menu(plan)
			for n, in := range inputs {
				next(func(c *life) {
					c.after(pauses[n])
					events, _, _ := c.decide(in)
					for _, e := range events {
						c.apply(e)
					}
				})
			}
		}
		next(func(c *life) { c.hears(alerts.Resolved) })
		next(func(c *life) { c.hears(alerts.Firing) })
	}
	for from, to := range Transitions {
		for _, s := range to {
			if !taken[[2]State{from, s}] {
				t.Errorf("nothing leads from %s to %s", from, s)
			}
		}
	}
}
