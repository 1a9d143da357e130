package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

// values are the registry's samples by name and labels; a histogram's is its count.
func values(t *testing.T, r *prometheus.Registry) map[string]float64 {
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			all[f.GetName()+labels(m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	return all
}

func labels(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.Label {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.registry = prometheus.NewRegistry()
		r.start()
		defer r.stop()
		has := func(name string, want float64) {
			t.Helper()
			if got, ok := values(t, r.registry)[name]; !ok || got != want {
				t.Errorf("%s is %v (%t), want %v", name, got, ok, want)
			}
		}
		// Series are there before anything happens, so that a rate has a beginning.
		has(`nightshift_incidents_total{outcome="resolved",playbook="three"}`, 0)
		has(`nightshift_incidents_open{state="escalated"}`, 0)
		has(`nightshift_refusals_total{playbook="crash",reason="busy"}`, 0)
		has(`nightshift_step_duration_seconds{action="restart",result="timeout"}`, 0)
		has(`nightshift_acting{target="unit:db.service"}`, 0)
		before := slices.Sorted(maps.Keys(values(t, r.registry)))

		r.breaks("app.service")
		r.takes(down(alerts.Firing))
		has(`nightshift_incidents_open{state="verifying"}`, 1)
		has(`nightshift_acting{target="unit:db.service"}`, 1)
		r.after(5 * time.Minute)
		has(`nightshift_incidents_total{outcome="resolved",playbook="three"}`, 1)
		has(`nightshift_incidents_open{state="verifying"}`, 0)
		has(`nightshift_acting{target="unit:db.service"}`, 0)
		has(`nightshift_step_duration_seconds{action="restart",result="done"}`, 2)
		has(`nightshift_rung_duration_seconds{playbook="three",result="not_fixed"}`, 1)
		has(`nightshift_rung_duration_seconds{playbook="three",result="fixed"}`, 1)
		has(`nightshift_verifications_total{playbook="three",result="fixed"}`, 1)
		has(`nightshift_time_to_act_seconds`, 1)
		has(`nightshift_time_to_fix_seconds`, 1)
		has(`nightshift_probe_healthy{probe="front"}`, 1)

		r.frozen = &Freeze{By: "file"}
		r.world.Says("unit:db.service", Unhealthy)
		r.takes(about("UnitCrashed", "db.service", alerts.Firing))
		r.after(2 * time.Second)
		has(`nightshift_frozen`, 1)
		has(`nightshift_refusals_total{playbook="crash",reason="frozen"}`, 1)
		has(`nightshift_incidents_open{state="escalated"}`, 1)

		// Whatever happened made no series but those of probes.
		for _, name := range slices.Sorted(maps.Keys(values(t, r.registry))) {
			if !slices.Contains(before, name) && !strings.HasPrefix(name, "nightshift_probe_healthy{") {
				t.Errorf("%s came into being on the way", name)
			}
		}
	})
}

func TestTheGaugesAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		defer func() { r.stop() }()
		r.breaks("db.service")
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Takes = time.Minute })
		r.takes(down(alerts.Firing))
		r.registry = prometheus.NewRegistry()
		r.restarts(time.Second)
		got := values(t, r.registry)
		if got[`nightshift_recovered_incidents_total{did="reconcile"}`] != 1 || got[`nightshift_incidents_open{state="acting"}`]+got[`nightshift_incidents_open{state="verifying"}`] != 1 {
			t.Errorf("%v", got)
		}
	})
}

func TestAnOpenedEventIsSmall(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.takes(down(alerts.Firing))
		text, err := EncodeJSON(r.log.Events()[0])
		if err != nil {
			r.Fatal(err)
		}
		if r.Logf("%d bytes", len(text)); len(text) > 2<<10 {
			r.Errorf("an opened event takes %d bytes; a day of alerts would not fit into the log", len(text))
		}
	})
}
