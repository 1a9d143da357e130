package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
)

var (
	pageStart = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	pageNow   = remediate.Instant{Wall: pageStart.Add(20 * time.Minute), Boot: "b", Up: 20 * time.Minute}
	paging    = posting{host: "web-1", dashboard: "https://grafana.example/d/web-1"}
)

// handed is an incident that people have, told up to a level.
func handed(level, times int) remediate.Incident {
	return remediate.Incident{
		ID: "ABCDEFGH", State: remediate.Escalated, Reason: remediate.ReasonExhausted, Detail: "it answers 500\nsee <http://evil.example>",
		Playbook: remediate.Playbook{Name: "front"}, Target: remediate.Unit("nginx.service"), Severity: 1,
		Alert: alerts.Alert{
			Status: alerts.Firing, Labels: map[string]string{"alertname": "FrontDown", "host": "web-1"}, GeneratorURL: "http://evil.example/",
			Annotations: map[string]string{"dashboard": "http://evil.example/", "summary": "http://evil.example/"},
		},
		Page: &remediate.Page{Since: remediate.Instant{Wall: pageStart, Boot: "b"}, Level: level, Times: times},
	}
}

// levelsOf are the labels level and again of alerts, in their order.
func levelsOf(called []alertmanager.Alert) []string {
	var levels []string
	for _, a := range called {
		level := a.Labels["level"]
		if again := a.Labels["again"]; again != "" {
			level += " again " + again
		}
		levels = append(levels, level)
	}
	return levels
}

func TestAnEscalationIsAnAlert(t *testing.T) {
	i := handed(0, 1)
	want := []alertmanager.Alert{{
		Labels: map[string]string{
			"alertname": "NightshiftEscalation", "severity": "1", "level": "0", "host": "web-1", "playbook": "front",
			"target": "unit:nginx.service", "incident": "ABCDEFGH",
		},
		Annotations: map[string]string{
			"summary": "unit:nginx.service on web-1 needs a person (exhausted): it answers 500 see <http://evil.example>",
			"command": "nightshift ack ABCDEFGH", "dashboard": "https://grafana.example/d/web-1",
		},
		StartsAt: pageStart, EndsAt: pageNow.Wall.Add(24 * time.Hour),
	}}
	if diff := cmp.Diff(want, paging.escalations(&i, pageNow.Wall)); diff != "" {
		t.Error(diff)
	}
}

func TestEachLevelThatWasReachedFires(t *testing.T) {
	quiet, open, silent := handed(1, 2), handed(1, 2), handed(1, 2)
	quiet.Quiet, open.State, silent.Page = true, remediate.Waiting, nil
	cases := []struct {
		name string
		i    remediate.Incident
		want []string
	}{
		{"none yet", handed(-1, 0), nil},
		{"the first", handed(0, 1), []string{"0"}},
		{"two", handed(1, 2), []string{"0", "1"}},
		{"the first, told three times", handed(0, 3), []string{"0", "0 again 2"}},
		{"the second, after both had been told before", handed(1, 4), []string{"0", "1", "1 again 2"}},
		{"told with another", quiet, nil},
		{"not with people", open, nil},
		{"without a clock", silent, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, levelsOf(paging.escalations(&c.i, pageNow.Wall))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnUnknownTargetHasNoLabel(t *testing.T) {
	i := handed(0, 1)
	i.Target = remediate.Target{}
	if target, ok := paging.escalations(&i, pageNow.Wall)[0].Labels["target"]; ok {
		t.Errorf("the label target is %q, want none: no Alertmanager knows an empty one", target)
	}
}

// acts is an incident that restarts two units for a host.
func acts() remediate.Incident {
	rung := remediate.PlannedRung{Name: "restart", Steps: []remediate.Step{
		{Do: "restart", On: remediate.Unit("grafana.service")}, {Do: "restart", On: remediate.Unit("nginx.service")},
	}}
	return remediate.Incident{
		ID: "ABCDEFGH", State: remediate.Acting, Playbook: remediate.Playbook{Name: "system-down"}, Target: remediate.Host("web-1"),
		Plan: &remediate.Plan{Rungs: []remediate.PlannedRung{rung}}, Intent: &remediate.Started{What: rung.Steps[0]},
		Tried: []remediate.Tried{{Name: "restart", Started: remediate.Instant{Wall: pageStart}}},
	}
}

func TestWhileItActsEachThingThatItTouchesHasAnAlert(t *testing.T) {
	i := acts()
	var targets []string
	for _, a := range paging.acting(&i, pageNow.Wall) {
		targets = append(targets, a.Labels["target"])
		if ends := a.EndsAt.Sub(pageNow.Wall); ends != actsFor {
			t.Errorf("it ends in %s, want %s: an agent that is dead acts on nothing", ends, actsFor)
		}
		if a.Labels["alertname"] != "NightshiftActing" || a.Labels["severity"] != "" {
			t.Errorf("labels %v, want the name, and no severity that would wake people", a.Labels)
		}
	}
	if diff := cmp.Diff([]string{"host:web-1", "unit:grafana.service", "unit:nginx.service"}, targets); diff != "" {
		t.Error(diff)
	}
	i.Intent, i.Tried[0].Ended = nil, remediate.Instant{Wall: pageStart}
	if left := paging.acting(&i, pageNow.Wall); len(left) > 0 {
		t.Errorf("after its verification there is still %v", left)
	}
}

func TestAnAlertThatIsOverNeverEndsBeforeItBegins(t *testing.T) {
	i := handed(0, 1)
	fires := paging.escalations(&i, pageStart.Add(-time.Hour))[0] // the clock went back
	if fires.StartsAt.After(fires.EndsAt) {
		t.Errorf("it fires from %s to %s", fires.StartsAt, fires.EndsAt)
	}
	ended := over(fires, pageStart.Add(-2*time.Hour))
	if ended.StartsAt.After(ended.EndsAt) || !ended.EndsAt.Equal(pageStart.Add(-2*time.Hour)) {
		t.Errorf("it was from %s to %s", ended.StartsAt, ended.EndsAt)
	}
}

// taken is an incident that somebody acknowledged for an hour.
func taken(mute bool) remediate.Incident {
	i := handed(0, 1)
	i.Acknowledged = &remediate.Acknowledged{By: "alice", Mute: mute, At: pageNow, Until: pageNow.Add(time.Hour)}
	return i
}

func TestAnAcknowledgementQuietensTheEscalation(t *testing.T) {
	i := taken(false)
	want := []quiet{{
		incident: "ABCDEFGH", comment: "web-1 ABCDEFGH: acknowledged by alice", until: pageNow.Wall.Add(time.Hour),
		matchers: []alertmanager.Matcher{
			{Name: "alertname", Value: "NightshiftEscalation"}, {Name: "host", Value: "web-1"}, {Name: "incident", Value: "ABCDEFGH"},
		},
	}}
	got := paging.quieting(&i, []alerts.Alert{i.Alert}, pageNow)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(quiet{})); diff != "" {
		t.Error(diff)
	}
	if late := pageNow.Add(time.Hour); len(paging.quieting(&i, nil, late)) > 0 {
		t.Error("an acknowledgement that led nowhere still mutes")
	}
	if i.State = remediate.Resolved; len(paging.quieting(&i, nil, pageNow)) > 0 {
		t.Error("an incident that is over still mutes")
	}
}

func TestMutingTheSourceLastsAQuarterOfAnHour(t *testing.T) {
	i := taken(true)
	cut := alerts.Alert{Labels: map[string]string{"a": "b"}, Truncated: true}
	got := paging.quieting(&i, []alerts.Alert{i.Alert, cut, {}}, pageNow)
	if len(got) != 2 || !got[1].source || got[1].until != pageNow.Wall.Add(15*time.Minute) {
		t.Fatalf("%+v, want that of the escalation, and for 15 minutes that of the one alert which is whole", got)
	}
	if !alertmanager.SameMatchers(got[1].matchers, alertmanager.Exactly(i.Alert.Labels)) {
		t.Errorf("it mutes %v, want exactly %v", got[1].matchers, i.Alert.Labels)
	}
	i.Acknowledged.Until = pageNow.Add(time.Minute)
	if got := paging.quieting(&i, []alerts.Alert{i.Alert}, pageNow); got[1].until != pageNow.Wall.Add(time.Minute) {
		t.Errorf("it mutes until %s, want no longer than the acknowledgement lasts", got[1].until)
	}
}

func TestSilencesAreBroughtToWhatIsWanted(t *testing.T) {
	wants := quiet{incident: "ABCDEFGH", comment: "web-1 ABCDEFGH: acknowledged by alice", until: pageNow.Wall.Add(15 * time.Minute),
		matchers: alertmanager.Exactly(map[string]string{"a": "b"})}
	there := func(id string, ends time.Duration, change func(*alertmanager.Silence)) alertmanager.Silence {
		s := wants.silence(alertmanager.Silence{ID: id, StartsAt: pageStart})
		s.EndsAt, s.Matchers = pageNow.Wall.Add(ends), slices.Clone(s.Matchers)
		if change != nil {
			change(&s)
		}
		return s
	}
	cases := []struct {
		name     string
		listed   []alertmanager.Silence
		wanted   []quiet
		set, end []string
	}{
		{"made", nil, []quiet{wants}, []string{""}, nil},
		{"kept", []alertmanager.Silence{there("1", 12*time.Minute, nil)}, []quiet{wants}, nil, nil},
		{"renewed", []alertmanager.Silence{there("1", 9*time.Minute, nil)}, []quiet{wants}, []string{"1"}, nil},
		{"shortened", []alertmanager.Silence{there("1", time.Hour, nil)}, []quiet{wants}, []string{"1"}, nil},
		{"ended", []alertmanager.Silence{there("1", 12*time.Minute, nil)}, nil, nil, []string{"1"}},
		{"one is enough", []alertmanager.Silence{there("2", 12*time.Minute, nil), there("1", 12*time.Minute, nil)}, []quiet{wants}, nil, []string{"2"}},
		{"a person's is left alone", []alertmanager.Silence{there("1", time.Minute, func(s *alertmanager.Silence) { s.By = "bob" })}, nil, nil, nil},
		{"another host's is left alone", []alertmanager.Silence{there("1", time.Minute, func(s *alertmanager.Silence) { s.Comment = "web-2 ABCDEFGH: x" })}, nil, nil, nil},
		{"a person's does not stand in", []alertmanager.Silence{there("1", time.Hour, func(s *alertmanager.Silence) { s.By = "bob" })}, []quiet{wants}, []string{""}, nil},
		{"of other matchers is none", []alertmanager.Silence{there("1", time.Hour, func(s *alertmanager.Silence) { s.Matchers[0].Regex = true })}, []quiet{wants}, []string{""}, []string{"1"}},
	}
	ids := func(silences []alertmanager.Silence) (ids []string) {
		for _, s := range silences {
			ids = append(ids, s.ID)
		}
		return ids
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set, end := paging.arrange(c.listed, c.wanted, pageNow.Wall)
			if diff := cmp.Diff(c.set, ids(set)); diff != "" {
				t.Error("set:", diff)
			}
			if diff := cmp.Diff(c.end, ids(end)); diff != "" {
				t.Error("end:", diff)
			}
		})
	}
}

func TestASilenceThatNamesTheIncidentClaimsIt(t *testing.T) {
	whole := func(level string) map[string]string {
		i := handed(1, 2)
		labels := paging.escalation(&i, 0, pageNow.Wall).Labels
		labels["level"] = level
		return labels
	}
	named := alertmanager.Matcher{Name: "incident", Value: "ABCDEFGH"}
	list := func(value string) []alertmanager.Matcher {
		return []alertmanager.Matcher{{Name: "incident", Value: value, Regex: true}}
	}
	cases := []struct {
		name     string
		matchers []alertmanager.Matcher
		want     bool
	}{
		{"only that", []alertmanager.Matcher{named}, true},
		{"all labels of a level", alertmanager.Exactly(whole("1")), true},
		{"all labels of a level that was not reached", alertmanager.Exactly(whole("2")), false},
		{"a list", list("ZZZZZZZZ|ABCDEFGH"), true},
		{"a list with brackets", list("^(ABCDEFGH|ZZZZZZZZ)$"), true},
		{"a list without it", list("ZZZZZZZZ|YYYYYYYY"), false},
		{"everything", list(".*"), false},
		{"much", list("[A-Z]{8}"), false},
		{"all but another", []alertmanager.Matcher{{Name: "incident", Value: "ZZZZZZZZ", Not: true}}, false},
		{"not about incidents", []alertmanager.Matcher{{Name: "alertname", Value: "NightshiftEscalation"}}, false},
		{"another host's", []alertmanager.Matcher{named, {Name: "host", Value: "web-2"}}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := alertmanager.Silence{ID: "1", By: "bob", Matchers: c.matchers}
			selects, err := s.Selector()
			if err != nil {
				t.Fatal(err)
			}
			i := handed(1, 2)
			if got := paging.claims(heardSilence{s, selects}, &i, pageNow.Wall); got != c.want {
				t.Errorf("claimed: %t, want %t", got, c.want)
			}
		})
	}
}

// TestWhoeverIsEarlyClaimsWhatPeopleDoNotHaveYet: what waits for a yes has no
// escalation, and can be taken all the same.
func TestWhoeverIsEarlyClaimsWhatPeopleDoNotHaveYet(t *testing.T) {
	i := handed(0, 0)
	i.State, i.Page = remediate.Held, nil
	s := alertmanager.Silence{ID: "1", By: "bob", Matchers: []alertmanager.Matcher{{Name: "incident", Value: "ABCDEFGH"}}}
	selects, err := s.Selector()
	if err != nil {
		t.Fatal(err)
	}
	if !paging.claims(heardSilence{s, selects}, &i, pageNow.Wall) {
		t.Error("a silence that names an incident which is held does not claim it")
	}
}
