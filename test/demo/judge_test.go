package main

import (
	"errors"
	"strings"
	"testing"

	"nightshift/alerts"
	"nightshift/remediate"
)

// repaired is a result of the second act that is as it has to be.
func repaired() *result {
	a := acts[1]
	return &result{act: a, incident: remediate.Incident{
		State: remediate.Resolved, Reason: "fixed", Alert: alerts.Alert{Labels: map[string]string{"alertname": a.alert}},
		Tried: []remediate.Tried{
			{Name: "restart prometheus", Outcome: remediate.NotFixed},
			{Name: "restart grafana", Outcome: remediate.Fixed},
		},
	}}
}

func TestAnActIsRepairedOnlyByTheRightRungs(t *testing.T) {
	right := acts[1].anew
	for name, c := range map[string]struct {
		change func(*result)
		anew   []string
		err    error
		want   string // what the problem names; nothing if there is none
	}{
		"all as it has to be": {func(*result) {}, right, nil, ""},
		"people have it":      {func(r *result) { r.incident.State, r.incident.Reason = remediate.Escalated, "exhausted" }, right, nil, "escalated (exhausted)"},
		"mended by itself":    {func(r *result) { r.incident.State, r.incident.Reason = remediate.Cleared, "healthy" }, right, nil, "cleared (healthy)"},
		"another rung fixed it": {func(r *result) {
			r.incident.Tried = r.incident.Tried[:1]
			r.incident.Tried[0].Outcome = remediate.Fixed
		}, right, nil, "rungs"},
		"a person was asked": {func(r *result) { r.waited = []string{"restart grafana"} }, right, nil, "waited for a person"},
		"nginx was touched":  {func(*result) {}, []string{"grafana.service", "nginx.service", "prometheus.service"}, nil, "nginx.service"},
		"no incident":        {func(r *result) { r.incident = remediate.Incident{} }, nil, errors.New("gave up to wait"), "gave up to wait"},
	} {
		t.Run(name, func(t *testing.T) {
			r := repaired()
			c.change(r)
			r.judge(c.anew, c.err)
			found := strings.Join(r.problems, "\n")
			if c.want == "" && found != "" || !strings.Contains(found, c.want) {
				t.Errorf("problems: %q, want one that names %q", found, c.want)
			}
		})
	}
}

func TestTheDemoFailsUnlessAllActsWereRepaired(t *testing.T) {
	show := &timeline{out: &strings.Builder{}}
	good, bad := repaired(), repaired()
	bad.problems = []string{"something"}
	for name, c := range map[string]struct {
		results []*result
		want    error
	}{
		"all":       {[]*result{good, good, good, good}, nil},
		"one bad":   {[]*result{good, good, good, bad}, errNotRepaired},
		"cut short": {[]*result{good, good, good}, errNotRepaired},
	} {
		if err := show.verdict(c.results, 0); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
